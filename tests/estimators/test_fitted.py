"""The weights of a fitted estimator: one truth, whoever has set them."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import check_is_fitted

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor

X = np.random.default_rng(0).normal(size=(30, 4))
Y = {
    "two classes": (X[:, 0] > 0).astype(int),
    "three classes": np.arange(30) % 3,
    "several labels": (X[:, :3] > 0).astype(int),
    "numbers": 1e3 + X[:, 0],
}


def small(kind, **options):
    cls = NoisyMLPRegressor if kind == "numbers" else NoisyMLPClassifier
    return cls(**{"nodes": 5, "epochs": 2, "random_state": 0} | options)


def outputs(estimator):
    return (getattr(estimator, "predict_proba", None) or estimator.predict)(X)


def last(estimator):
    """The last column of what an estimator predicts."""
    return outputs(estimator).reshape(30, -1)[:, -1]


def last_of(model):
    """The same of a Keras model."""
    return model.predict(X.astype(np.float32), verbose=0)[:, -1]


@pytest.mark.parametrize("engine", ["compiled", "keras"])
@pytest.mark.parametrize("kind", Y)
def test_weights_that_are_set_are_those_of_the_keras_model(kind, engine):
    parts = [small(kind, random_state=i, engine=engine).fit(X, Y[kind]) for i in range(2)]
    mean = parts[0]
    first = mean.model_
    assert mean.model_ is first
    before = last_of(first)
    # As federated averaging does, in double precision and in new lists.
    averages = [
        [np.mean(pair, axis=0, dtype=np.float64) for pair in zip(*arrays, strict=True)]
        for arrays in ([p.coefs_ for p in parts], [p.intercepts_ for p in parts])
    ]
    mean.coefs_, mean.intercepts_ = averages
    np.testing.assert_allclose(last_of(mean.model_), last(mean), rtol=1e-4)
    wrapper = mean.keras_regressor_ if kind == "numbers" else mean.keras_classifier_
    assert wrapper.model_ is mean.model_ is not first
    # In place too; who has a model keeps it as it was.
    mean.coefs_[0] *= 0.5
    np.testing.assert_allclose(last_of(mean.model_), last(mean), rtol=1e-4)
    np.testing.assert_array_equal(last_of(first), before)
    assert mean.model_ is mean.model_
    np.testing.assert_array_equal(outputs(pickle.loads(pickle.dumps(mean))), outputs(mean))
    # Training goes on from there: by steps that move nothing.
    expected = outputs(mean)
    mean.set_params(optimizer="sgd", learning_rate=1e-30, alpha=0).partial_fit(X, Y[kind])
    np.testing.assert_allclose(outputs(mean), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", ["two classes", "numbers"])
def test_what_is_set_in_the_keras_model_stays_there(kind):
    estimator = small(kind).fit(X, Y[kind])
    before, model = outputs(estimator), estimator.model_
    model.set_weights([0 * w + 1 for w in model.get_weights()])
    np.testing.assert_array_equal(outputs(estimator), before)
    assert estimator.model_ is model
    # As the documentation says.
    estimator.coefs_ = model.get_weights()[::2]
    estimator.intercepts_ = model.get_weights()[1::2]
    np.testing.assert_allclose(last_of(model), last(estimator), rtol=1e-6)
    assert estimator.coefs_[0].max() == 1


@pytest.mark.parametrize("kind", ["two classes", "numbers"])
def test_weights_without_a_fit_say_what_is_missing(kind):
    fitted = small(kind).fit(X, Y[kind])
    fresh = clone(fitted)
    for name in ("coefs_", "intercepts_", "classes_"):
        if hasattr(fitted, name):
            setattr(fresh, name, getattr(fitted, name))
    uses = {
        "predict": lambda: fresh.predict(X),
        "model_": lambda: fresh.model_,
        "fit": lambda: fresh.set_params(warm_start=True).fit(X, Y[kind]),
        "partial_fit": lambda: fresh.partial_fit(X, Y[kind]),
    }
    for use in uses.values():
        with pytest.raises(NotFittedError, match="has coefs_, but has not been fitted: the netw"):
            use()
    with pytest.raises(NotFittedError):
        check_is_fitted(fresh)
    # From new weights, nobody asks.
    fresh.set_params(warm_start=False).fit(X, Y[kind]).predict(X)


@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
def test_weights_of_other_shapes_are_refused(name):
    clf = small("two classes").fit(X, Y["two classes"])
    setattr(clf, name, [a[..., :-1] for a in getattr(clf, name)])
    for use in (clf.predict, clf.predict_proba, lambda X: clf.partial_fit(X, clf.predict(X))):
        with pytest.raises(ValueError, match=f"{name} has the shapes .* but the network has"):
            use(X)
    with pytest.raises(ValueError, match=f"{name} has the shapes"):
        _ = clf.model_


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("kind", Y)
def test_names_are_scikit_learns(kind, early_stopping):
    ours = small(kind, early_stopping=early_stopping)
    theirs = MLPRegressor if kind == "numbers" else MLPClassifier
    theirs = theirs(max_iter=2)
    names = ["loss_", "best_loss_", "loss_curve_", "n_layers_", "n_outputs_", "out_activation_"]
    if kind != "numbers":
        names.append("validation_scores_")
    for name in names:
        # NotFittedError is an AttributeError.
        assert not hasattr(ours, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.set_params(hidden_layer_sizes=5).fit(X, Y[kind])
    ours.fit(X, Y[kind])
    for name in ("n_layers_", "n_outputs_"):
        assert getattr(ours, name) == getattr(theirs, name)
    keras = {"logistic": "sigmoid", "softmax": "softmax", "identity": "linear"}
    assert ours.out_activation_ == keras[theirs.out_activation_]
    assert ours.loss_curve_ == list(ours.history_["loss"])
    assert (ours.loss_, ours.best_loss_) == (ours.loss_curve_[-1], min(ours.loss_curve_))
    assert type(ours.loss_) is float
    if kind != "numbers":
        known = list(ours.history_["val_accuracy"]) if early_stopping else None
        assert ours.validation_scores_ == known
    assert set(names) <= set(dir(ours))
