"""Whatever it gets, an estimator ends with a model or with an error that names the cause.

``make test`` draws a few cases, always the same; ``make fuzz`` draws thousands, in processes of
their own. A case that fails is printed whole, to run again as ``check(Case(...))``. Where a
process dies, ``-s --hypothesis-verbosity=verbose`` shows the case that did it.
"""

import faulthandler
import os
import re
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, event, given, reject, seed, settings
from sklearn.utils.validation import _num_samples

import sknoise
from sknoise import NoisyMLPClassifier, NoisyMLPRegressor
from tests.fuzz.cases import Case, Data, cases, nets
from tests.fuzz.data import Labels, NoSuchDataError

SEED = int(os.environ.get("SKNOISE_FUZZ_SEED", "0"))
N_CASES = int(os.environ.get("SKNOISE_FUZZ_CASES", "150"))
# A network takes several programs, for sizes and numbers of classes.
NETS = nets(SEED, 16 if N_CASES > 500 else 4)
# What a case may take, in seconds, compilation on a very busy machine included.
LIMIT = 600

OURS = str(Path(sknoise.__file__).parent)
_FOREIGN = re.compile(r"/(tensorflow|keras|ml_dtypes|scikeras)/")
_SKLEARN_CHECKS = re.compile(r"/sklearn/utils/(validation|multiclass)\.py$")
# Where these have a data frame make an array: it names the value that is no number.
_DATA_FRAMES = re.compile(r"/(pandas/core|polars/dataframe)/")


@seed(SEED)
@settings(
    max_examples=N_CASES,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)
@given(cases(*NETS))
def test_ends_in_a_model_or_in_an_error_that_names_the_cause(case):
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    try:
        event(check(case))
    except NoSuchDataError:
        reject()
    finally:
        faulthandler.cancel_dump_traceback_later()


def check(case: Case) -> str:
    """Run a case; say how its first fit ended, or fail."""
    estimator = NoisyMLPClassifier if case.classifier else NoisyMLPRegressor
    model = estimator(**case.parameters)
    ended = end_of_fit(model, case.first)
    assert fitted(model) == (ended == "model")
    if case.again is not None:
        before = dict(vars(model))
        again = end_of_fit(model, case.again)
        assert again == "model" or same(vars(model), before)
    if fitted(model):
        odd = case.other.build()
        ended += f", then {end_of(lambda: check_predictions(model, odd))}"
    return ended


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(a[name] is b[name] for name in a)


def fitted(model) -> bool:
    return hasattr(model, "coefs_")


def end_of_fit(model, data: Data) -> str:
    """Fit; give how it ended, after a look at the model."""
    arguments = data.build()
    content = [content_of(a) for a in arguments.values()]
    told: list[str] = []
    ended = end_of(lambda: getattr(model, data.method)(**arguments), told)
    assert [content_of(a) for a in arguments.values()] == content
    if ended == "model":
        assert all(np.isfinite(w).all() for w in (*model.coefs_, *model.intercepts_))
        assert np.isfinite(model.history_["loss"]).all()
        if arguments.get("X_val") is not None and not np.isfinite(model.history_["val_loss"][-1]):
            assert any("val_loss" in message for message in told)
        end_of(lambda: check_predictions(model, arguments["X"]))
        if isinstance(data.y, Labels) and isinstance(arguments["y"], np.ndarray):
            end_of(lambda: check_score(model, arguments["X"], arguments["y"]))
    return ended


def content_of(data: object) -> bytes | None:
    """Give what is in an array, to see whether it changes."""
    return data.tobytes() if isinstance(data, np.ndarray) and data.dtype != object else None


def check_predictions(model, X) -> None:
    """Check that what a model predicts is finite and of the right shape."""
    prediction = model.predict(X)
    n = _num_samples(X)
    if isinstance(model, NoisyMLPRegressor):
        assert prediction.shape == ((n, model.n_outputs_) if prediction.ndim == 2 else (n,))
        assert prediction.dtype == np.float64
        assert np.isfinite(prediction).all()
        return
    p, log_p = model.predict_proba(X), model.predict_log_proba(X)
    assert p.shape == log_p.shape == (n, len(model.classes_))
    assert p.dtype == log_p.dtype == np.float64
    assert ((p >= 0) & (p <= 1)).all()
    assert np.isfinite(log_p).all()
    np.testing.assert_allclose(np.exp(log_p), p, rtol=1e-6, atol=1e-300)
    if prediction.ndim == 2:
        assert np.isin(prediction, [0, 1]).all()
        assert prediction.shape == p.shape
    else:
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
        assert np.isin(prediction, model.classes_).all()


def check_score(model, X, y) -> None:
    assert 0 <= model.score(X, y) <= 1


def end_of(act: Callable[[], object], told: list[str] | None = None) -> str:
    """Do something; say how that ended, and fail where it is none of the ends that may be."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            act()
            ended = "model"
        except (ValueError, TypeError, AttributeError) as error:
            assert_names_the_cause(error)
            ended = f"{type(error).__name__}: {kind_of(error)}"
    ours = [w for w in caught if w.filename.startswith(OURS)]
    # Warnings that are meant for users are of the category UserWarning.
    assert all(issubclass(w.category, UserWarning) for w in ours), [str(w) for w in ours]
    if told is not None:
        told += [str(w.message) for w in caught]
    return ended


NAMES = {
    *NoisyMLPClassifier().get_params(),
    *NoisyMLPRegressor().get_params(),
    *["X", "y", "X_val", "y_val", "sample_weight", "sample_weight_val", "classes", "partial_fit"],
}


def assert_names_the_cause(error: Exception) -> None:
    """Check that an error is of ours, or of scikit-learn's validation, and says what is wrong."""
    frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    assert not any(_FOREIGN.search(name) for name in frames), "not before Keras saw it"
    message = str(error)
    if isinstance(error, AttributeError) and not isinstance(error, ValueError):
        assert "partial_fit" in message
    checked = frames[-1].startswith(OURS) or "/sklearn/" in frames[-1]
    assert checked or _DATA_FRAMES.search(frames[-1]), "nobody checked"
    if not any(_SKLEARN_CHECKS.search(name) for name in frames):
        assert NAMES & set(re.findall(r"\w+", message)), "names no cause"
    assert message


def kind_of(error: Exception) -> str:
    """Give the beginning of a message, without what differs from case to case."""
    return " ".join(re.sub(r"[^a-zA-Z_ ]+", "", str(error)).split()[:3])
