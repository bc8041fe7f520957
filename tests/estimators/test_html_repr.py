"""The HTML representation of the estimators, in notebooks."""

import pytest

from sknoise import NoisyMLPClassifier, NoisyMLPRegressor


@pytest.mark.parametrize("cls", [NoisyMLPClassifier, NoisyMLPRegressor])
def test_links_to_the_docs_before_and_after_fit(cls):
    link = f"https://sknoise.readthedocs.io/en/stable/api/generated/sknoise.{cls.__name__}.html"
    estimator = cls(5, epochs=2, random_state=0)
    # scikit-learn colours the two states by their class.
    assert f'href="{link}"' in estimator._repr_html_()
    assert "<span>Not fitted</span>" in estimator._repr_html_()
    estimator.fit([[0.0], [1], [2]], [0, 1, 1])
    assert f'href="{link}"' in estimator._repr_html_()
    assert "<span>Fitted</span>" in estimator._repr_html_()
