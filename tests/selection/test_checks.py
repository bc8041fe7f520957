"""scikit-learn's own checks of the estimators that choose."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from sknoise import NoisyMLPClassifierCV, NoisyMLPRegressorCV


@parametrize_with_checks([NoisyMLPClassifierCV(8), NoisyMLPRegressorCV(8, ensemble=False)])
def test_estimators(estimator, check):
    check(estimator)
