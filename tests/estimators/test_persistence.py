"""Saved models: the same bits in every format, in another process, without TensorFlow."""

import copy
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skops import io as skops

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor
from sknoise._versions import __version__
from sknoise.estimators import _persistence

OWN = [f"{cls.__module__}.{cls.__name__}" for cls in (NoisyMLPClassifier, NoisyMLPRegressor)]

FITS = {
    "binary": NoisyMLPClassifier(8, noise_weights=0.1, dropout=0.2),
    "labels": NoisyMLPClassifier(8, batch_size=10, max_norm=2.0),
    "several_labels": NoisyMLPClassifier((8, 4), noise_schedule="linear"),
    "regressor": NoisyMLPRegressor(
        8, noise_input=0.1, noise_relative=True, noise_free=[1], optimizer="sgd"
    ),
    "several_targets": NoisyMLPRegressor(8, loss="poisson", early_stopping=True),
}
TARGETS = {
    "binary": lambda X: X[:, 0] > 0,
    "labels": lambda X: np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])],
    "several_labels": lambda X: (X > 0).astype(int),
    "regressor": lambda X: X[:, 0],
    "several_targets": lambda X: X[:, :2] ** 2,
}


def fitted(kind):
    X = np.random.default_rng(0).normal(size=(40, 3))
    model = clone(FITS[kind]).set_params(epochs=3, random_state=0, warm_start=True)
    return make_pipeline(StandardScaler(), model).fit(X, TARGETS[kind](X)), X


def with_keras(fit=True):
    """A model with objects of Keras's in its parameters."""
    import keras

    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 100, 0.9)
    # A function cannot be saved at all.
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    callbacks = [keras.callbacks.EarlyStopping("loss", patience=9), watch][: 2 if fit else 1]
    clf = NoisyMLPClassifier(8, epochs=3, learning_rate=schedule, callbacks=callbacks)
    X = np.random.default_rng(0).normal(size=(40, 3))
    return clf.set_params(random_state=0, warm_start=True).fit(X, X[:, 0] > 0) if fit else clf


def predictions(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def through_skops(model):
    content = skops.dumps(model)
    unknown = skops.get_untrusted_types(data=content)
    # Nothing but the estimator itself need be trusted.
    assert len(unknown) == 1 and unknown[0] in OWN
    return skops.loads(content, trusted=unknown)


def through_joblib(model, path):
    joblib.dump(model, path, compress=3)
    return joblib.load(path)


@pytest.mark.parametrize("kind", FITS)
def test_every_format_keeps_predictions_bit_for_bit_and_goes_on(kind, tmp_path):
    model, X = fitted(kind)
    expected = predictions(model, X)
    kernel = model[-1].model_.get_weights()[0]  # Builds Keras objects, which are not saved.
    copies = {
        "pickle": pickle.loads(pickle.dumps(model)),
        "joblib": through_joblib(model, tmp_path / "model.joblib"),
        "skops": through_skops(model),
        "copy": copy.deepcopy(model),
    }
    for loaded in copies.values():
        assert loaded[-1]._made is None
        np.testing.assert_array_equal(predictions(loaded, X), expected)
        np.testing.assert_array_equal(loaded[-1].model_.get_weights()[0], kernel)
    y = TARGETS[kind](X)
    again = predictions(model.fit(X, y), X)
    assert (again != expected).any()
    for loaded in copies.values():
        np.testing.assert_array_equal(predictions(loaded.fit(X, y), X), again)


def test_another_process_predicts_the_same_without_tensorflow(tmp_path):
    models = [*(fitted(kind)[0] for kind in FITS), with_keras()]
    X = fitted("binary")[1]
    joblib.dump(models, tmp_path / "models.joblib")
    (tmp_path / "models.pickle").write_bytes(pickle.dumps(models))
    skops.dump(models, tmp_path / "models.skops")
    np.save(tmp_path / "X.npy", X)
    script = (
        "import joblib, numpy as np, pickle, sys\n"
        "from skops import io as skops\n"
        "X = np.load('X.npy')\n"
        "def predictions(models):\n"
        "    return [m.predict_proba(X) if hasattr(m, 'predict_proba') else m.predict(X)"
        " for m in models if [repr(m), m._repr_html_()]]\n"
        "models = {\n"
        "    'joblib': joblib.load('models.joblib'),\n"
        "    'pickle': pickle.load(open('models.pickle', 'rb')),\n"
        f"    'skops': skops.load('models.skops', trusted={OWN}),\n"
        "}\n"
        "joblib.dump({k: predictions(m) for k, m in models.items()}, 'predictions.joblib')\n"
        "print({'tensorflow', 'keras', 'scikeras'} & set(sys.modules))\n"
    )
    command = [sys.executable, "-c", script]
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert out.stdout.strip() == "set()"
    there = joblib.load(tmp_path / "predictions.joblib")
    assert list(there) == ["joblib", "pickle", "skops"]
    for of_format in there.values():
        for theirs, model in zip(of_format, models, strict=True):
            np.testing.assert_array_equal(theirs, predictions(model, X))


def of_keras(kind):
    """Give the Keras model of a fitted one, rows, and what it should predict."""
    (scale, model), X = fitted(kind)
    rows = scale.transform(X).astype(np.float32)
    expected = predictions(model, rows).reshape(len(rows), -1)
    return model.model_, rows, expected[:, 1:] if kind == "binary" else expected


def test_keras_files_predict_the_same(tmp_path):
    import keras

    for kind in FITS:
        model, rows, expected = of_keras(kind)
        model.save(tmp_path / "model.keras")
        out = keras.saving.load_model(tmp_path / "model.keras").predict(rows, verbose=0)
        np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)


# Keras loads it again on TensorFlow alone.
@pytest.mark.tensorflow
def test_what_keras_exports_predicts_the_same(tmp_path):
    import keras

    for kind in FITS:
        model, rows, expected = of_keras(kind)
        model.export(tmp_path / kind)
        exported = keras.layers.TFSMLayer(tmp_path / kind, call_endpoint="serve")
        np.testing.assert_allclose(np.asarray(exported(rows)), expected, rtol=1e-5, atol=1e-6)


def test_another_process_loads_our_noise_from_a_keras_file(tmp_path):
    clf = NoisyMLPClassifier(5, noise_distribution="laplace", epochs=1, random_state=0)
    X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    clf.fit(X, X[:, 0] > 0).model_.save(tmp_path / "model.keras")
    np.save(tmp_path / "X.npy", X)
    script = (
        "from sknoise import register_keras\n"
        "register_keras()\n"
        "import keras, numpy as np\n"
        "model = keras.saving.load_model('model.keras')\n"
        "np.save('p.npy', model.predict(np.load('X.npy'), verbose=0))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path)
    p = np.load(tmp_path / "p.npy")
    np.testing.assert_allclose(p[:, 0], clf.predict_proba(X)[:, 1], rtol=1e-5, atol=1e-6)


def test_callbacks_that_were_used_are_not_saved():
    import keras

    X = np.random.default_rng(0).normal(size=(20, 3))
    stop, told = keras.callbacks.EarlyStopping("loss"), []
    notes = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: told.append(epoch))
    clf = NoisyMLPClassifier(5, epochs=2, callbacks=[stop, notes], random_state=0)
    clf.fit(X, X[:, 0] > 0)
    assert len(clf.callbacks_) == 2
    clf.set_params(callbacks=None)  # A function in there could not be saved.
    loaded = through_skops(clf)
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert not hasattr(loaded, "callbacks_")
    assert not hasattr(clf.fit(X, X[:, 0] > 0), "callbacks_")


def test_objects_of_keras_are_saved_as_what_they_were_made_with():
    clf = with_keras()
    loaded = pickle.loads(pickle.dumps(clf))
    assert loaded.callbacks == ["EarlyStopping", "LambdaCallback"]
    assert loaded.learning_rate["class_name"] == "ExponentialDecay"
    # Saved once more, they stay what they are.
    again = through_skops(loaded)
    assert (again.callbacks, again.learning_rate) == (loaded.callbacks, loaded.learning_rate)
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = X[:, 0] > 0
    for one in (loaded, clone(loaded)):
        with pytest.raises(TypeError, match=r"callbacks has 'EarlyStopping', .* names are saved"):
            one.fit(X, y)
    goes_on = loaded.set_params(callbacks=None)
    expected = clf.set_params(callbacks=None).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(goes_on.fit(X, y).predict_proba(X), expected)


def test_callbacks_of_one_that_is_not_fitted_go_with_it():
    unfitted = with_keras(fit=False)
    for copied in (clone(unfitted), pickle.loads(pickle.dumps(unfitted))):
        (stop,) = copied.callbacks
        assert (type(stop).__name__, stop.patience) == ("EarlyStopping", 9)
    # Without these, it needs no TensorFlow to be loaded either.
    content = pickle.dumps(unfitted.set_params(callbacks=None))
    script = (
        f"import pickle, sys; print(pickle.loads({content}).learning_rate['class_name'])\n"
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", script]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out.split() == ["ExponentialDecay", "set()"]


@pytest.mark.parametrize("model", [NoisyMLPClassifier(5), NoisyMLPRegressor(5)])
def test_another_version_warns_with_both(monkeypatch, model):
    name = type(model).__name__
    monkeypatch.setattr(_persistence, "__version__", "0.0.3")
    old = pickle.dumps(model)
    monkeypatch.undo()
    with pytest.warns(InconsistentVersionWarning, match=f"{name} .* 0.0.3 and .* {__version__}"):
        loaded = pickle.loads(old)
    assert vars(loaded) == vars(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pickle.loads(pickle.dumps(model))


FULL_DISK = """
import resource, sys
from pathlib import Path
import joblib
from sknoise import NoisyMLPClassifier

model = NoisyMLPClassifier(5)
joblib.dump(model, "model.joblib")
model.set_params(class_weight=dict.fromkeys(range(100_000), 1.0))
# Python ignores the signal of a file that has become too large: writing is then an OSError.
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
path = Path("model.joblib")
try:
    if sys.argv[1] == "in place":
        joblib.dump(model, path)
    else:
        new = path.with_suffix(".new")
        joblib.dump(model, new)
        new.replace(path)
except OSError as error:
    print(error.strerror)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
print(joblib.load("model.joblib").nodes)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("way", ["in place", "renamed"])
def test_writing_apart_and_renaming_keeps_the_old_file_where_there_is_no_space(tmp_path, way):
    command = [sys.executable, "-c", FULL_DISK, way]
    out = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    # Written in place, the old model is lost: this is why.
    expected = "File too large\n5\n" if way == "renamed" else "File too large\n"
    assert (out.stdout, out.returncode) == (expected, 0 if way == "renamed" else 1)


ACROSS = ("labels", "regressor", "several_targets")


def gone_on(model, kind, X):
    with warnings.catch_warnings():
        # Of early stopping, which begins anew.
        warnings.simplefilter("ignore")
        return predictions(model.fit(X, TARGETS[kind](X)), X)


@pytest.mark.tensorflow
def test_a_model_of_one_backend_goes_on_on_the_other(tmp_path):
    script = (
        "import joblib, sys\n"
        "from tests.estimators.test_persistence import ACROSS, fitted, gone_on\n"
        "theirs, ours = {}, joblib.load(sys.argv[1] + '/ours')\n"
        "for kind in ACROSS:\n"
        "    theirs[kind], X = fitted(kind)\n"
        "    ours[kind] = gone_on(ours[kind], kind, X)\n"
        "joblib.dump((theirs, ours), sys.argv[1] + '/theirs')\n"
        "print('tensorflow' in sys.modules)\n"
    )
    models = {kind: fitted(kind) for kind in ACROSS}
    joblib.dump({kind: model for kind, (model, _) in models.items()}, tmp_path / "ours")
    out = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"KERAS_BACKEND": "jax"},
    )
    assert out.stdout.strip() == "False"
    theirs, ours_there = joblib.load(tmp_path / "theirs")
    for kind, (model, X) in models.items():
        np.testing.assert_allclose(
            predictions(theirs[kind], X), predictions(model, X), rtol=1e-4, atol=1e-5
        )
        here = gone_on(model, kind, X)
        np.testing.assert_allclose(ours_there[kind], here, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(gone_on(theirs[kind], kind, X), here, rtol=1e-4, atol=1e-5)
