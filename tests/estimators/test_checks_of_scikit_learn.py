"""scikit-learn's own checks of estimators pass, all of them, without tags that excuse anything."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastnn.sklearn import MLPClassifier, MLPRegressor, RealMLPClassifier, RealMLPRegressor, Representations

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of convergence, of columns without a scale

ESTIMATORS = [
    MLPClassifier(),
    MLPRegressor(),
    # At the default alpha a probability of one check's labels rounds to 1, with scikit-learn's network too.
    MLPClassifier(solver="lbfgs", alpha=0.1),
    MLPRegressor(solver="lbfgs"),
    Representations(MLPClassifier(max_iter=5, random_state=0)),
]
# A row of weight 2 is in one batch, two equal rows may be in two.
NOT_OF_BATCHES = dict.fromkeys(
    ("check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"), "batches"
)


@parametrize_with_checks(ESTIMATORS)
def test_check(estimator, check):
    check(estimator)


@parametrize_with_checks([MLPClassifier(batch_size=8), MLPRegressor(batch_size=8)],
                         expected_failed_checks=lambda _: NOT_OF_BATCHES)  # fmt: skip
def test_check_with_several_batches(estimator, check):
    check(estimator)


# Equal rows may be on both sides of the split into rows to train on and rows held out.
@parametrize_with_checks([RealMLPClassifier((16, 16), max_iter=60), RealMLPRegressor((16, 16), max_iter=60)],
                         expected_failed_checks=lambda _: NOT_OF_BATCHES)  # fmt: skip
def test_check_of_networks_for_tables(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS[:2], ids=repr)
def test_no_tag_excuses_a_check(estimator):
    tags = get_tags(estimator)
    assert not tags.non_deterministic
    assert not tags.no_validation
    assert not (tags.classifier_tags or tags.regressor_tags).poor_score
    assert tags.input_tags.sparse


def test_a_clone_has_equal_parameters_and_no_attributes():
    fitted = MLPRegressor("huber", (4,), solver="lbfgs", max_iter=500, random_state=0, dropout=[0.0]).fit(
        np.eye(3), [0, 1, 2]
    )
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "model_")
    assert not hasattr(copy, "coefs_")
