"""Metrics beside Keras' and scikit-learn's, and what they promise: no cut into updates shows in a bit of the result."""

import copy
import warnings

import numpy as np
import pytest

from arrays import uniform
from fastnn import losses, metrics
from fastnn.layers import Dense
from fastnn.metrics.lookup import named
from fastnn.models import Sequential
from keras_in_float64 import keras_in_float64

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras

ROWS, UNITS = 90, 4
EPS = np.finfo(np.float64).eps
WEIGHTS = np.abs(uniform(7, (ROWS,))).astype(np.float64)
COARSE = np.round(WEIGHTS * 256) / 256  # Keras sums those of evenly spaced thresholds in float32, here exactly


def numbers(seed, columns=UNITS):
    return 3 * uniform(seed, (ROWS, columns)).astype(np.float64)


def chances(seed, columns=UNITS):
    """Probabilities, 0 and 1 among them."""
    p = np.abs(numbers(seed, columns)) / 3
    p[0, 0], p[1, -1] = 0, 1
    return p


LABELS = np.abs(numbers(1, 1) * 1000).astype(int)[:, 0] % UNITS
ONE_HOT = np.eye(UNITS)[LABELS]
BITS = np.round(chances(1))
BIT = BITS[:, :1]

CASES = {
    "Accuracy": ({}, np.round(numbers(1)), np.round(numbers(2))),
    "BinaryAccuracy": ({}, BIT, chances(2, 1)),
    "BinaryAccuracy of four": ({"threshold": 0.25}, BITS, chances(2)),
    "CategoricalAccuracy": ({}, ONE_HOT, chances(2)),
    "SparseCategoricalAccuracy": ({}, LABELS, chances(2)),
    "SparseCategoricalAccuracy of columns": ({}, LABELS[:, None], chances(2)),
    "TopKCategoricalAccuracy": ({"k": 2}, ONE_HOT, np.round(chances(2), 1)),
    "SparseTopKCategoricalAccuracy": ({"k": 2}, LABELS, np.round(chances(2), 1)),
    "Precision": ({}, BIT, chances(2, 1)),
    "Precision of four": ({"thresholds": [0.7, 0.2]}, BITS, chances(2)),
    "Precision of even thresholds": ({"thresholds": [0.0, 0.5, 1.0]}, BITS, chances(2)),
    "Precision of the largest": ({"top_k": 2}, BITS, chances(2)),
    "Precision of one class": ({"class_id": 2}, BITS, chances(2)),
    "Recall": ({}, BIT, chances(2, 1)),
    "Recall of four": ({"thresholds": [0.7, 0.2]}, BITS, chances(2)),
    "Recall of the largest": ({"top_k": 1, "class_id": 1}, BITS, chances(2)),
    "TruePositives": ({}, BITS, chances(2)),
    "FalsePositives": ({"thresholds": 0.25}, BITS, chances(2)),
    "TrueNegatives": ({"thresholds": [0.1, 0.9]}, BITS, chances(2)),
    "FalseNegatives": ({}, BITS, chances(2)),
    "AUC": ({}, BIT, chances(2, 1)),
    "AUC of few": ({"num_thresholds": 5}, BITS, chances(2)),
    "AUC of PR": ({"curve": "PR"}, BIT, chances(2, 1)),
    "AUC of PR minoring": ({"curve": "PR", "summation_method": "minoring"}, BIT, chances(2, 1)),
    "AUC majoring": ({"summation_method": "majoring"}, BIT, chances(2, 1)),
    "AUC of sums": ({"from_logits": True, "thresholds": [0.3, 0.6, 0.65]}, BIT, numbers(2, 1)),
    "AUC of labels": ({"multi_label": True, "num_labels": UNITS}, BITS, chances(2)),
    "AUC of weighted labels": ({"multi_label": True, "label_weights": [1.0, 2.0, 0.5, 3.0]}, BITS, chances(2)),
    "F1Score": ({}, ONE_HOT, chances(2)),
    "F1Score micro": ({"average": "micro", "threshold": 0.5}, BITS, chances(2)),
    "F1Score macro": ({"average": "macro"}, ONE_HOT, chances(2)),
    "F1Score weighted": ({"average": "weighted", "threshold": 0.5}, BIT, chances(2, 1)),
    "FBetaScore": ({"beta": 2.0, "threshold": 0.4}, BITS, chances(2)),
    "RootMeanSquaredError": ({}, numbers(1), numbers(2)),
    "R2Score": ({}, numbers(1, 1), numbers(2, 1)),
    "R2Score of four": ({"class_aggregation": None}, numbers(1), numbers(2)),
    "R2Score by variance": ({"class_aggregation": "variance_weighted_average"}, numbers(1), numbers(2)),
    "R2Score adjusted": ({"num_regressors": 3}, numbers(1), numbers(2)),
    "CosineSimilarity": ({}, np.where(np.arange(ROWS)[:, None] == 3, 0, numbers(1)), numbers(2)),
    "MeanSquaredError": ({}, numbers(1), numbers(2)),
    "MeanAbsoluteError": ({}, numbers(1), numbers(2)),
    "MeanAbsolutePercentageError": ({}, numbers(1), numbers(2)),
    "MeanSquaredLogarithmicError": ({}, numbers(1), numbers(2)),
    "LogCoshError": ({}, numbers(1), numbers(2)),
    "Poisson": ({}, chances(1), chances(2)),
    "KLDivergence": ({}, chances(1), chances(2)),
    "Hinge": ({}, np.sign(numbers(1)), numbers(2)),
    "SquaredHinge": ({}, np.sign(numbers(1)), numbers(2)),
    "CategoricalHinge": ({}, ONE_HOT, numbers(2)),
    "BinaryCrossentropy": ({"label_smoothing": 0.1}, BITS, chances(2)),
    "CategoricalCrossentropy": ({"from_logits": True}, ONE_HOT, numbers(2)),
    "SparseCategoricalCrossentropy": ({}, LABELS, chances(2)),
    # not in Keras
    "Huber": ({"delta": 0.5}, numbers(1), numbers(2)),
    "Quantile": ({"quantile": 0.3}, numbers(1), numbers(2)),
    "BinaryFocalCrossentropy": ({"gamma": 1.0}, BITS, chances(2)),
    "CategoricalFocalCrossentropy": ({"gamma": 1.0}, ONE_HOT, chances(2)),
}
NOT_IN_KERAS = ("Huber", "Quantile", "BinaryFocalCrossentropy", "CategoricalFocalCrossentropy")
BY_CASE = pytest.mark.parametrize("case", CASES)


def made(case, module=metrics):
    settings, y, p = CASES[case]
    return getattr(module, case.split()[0])(**settings), y, p


def updated(metric, y, p, weights, cuts):
    """The result after updates by the rows between the cuts."""
    for rows in np.split(np.arange(len(y)), cuts):
        metric.update_state(y[rows], p[rows], None if weights is None else weights[rows])
    return metric.result()


@pytest.fixture(scope="module")
def keras():
    with keras_in_float64() as module:
        yield module


@BY_CASE
@pytest.mark.parametrize("weights", [None, COARSE], ids=["", "weighted"])
def test_results_are_those_of_keras(case, weights, keras):
    if case in NOT_IN_KERAS:
        pytest.skip("Keras has no such metric")
    metric, y, p = made(case)
    other = made(case, keras.metrics)[0]
    if case == "AUC of weighted labels" and weights is not None:
        weights = None  # Keras spreads the rows' weights over the labels then
    ours = updated(metric, y, p, weights, [40])
    theirs = np.asarray(keras.ops.convert_to_numpy(updated(other, y, p, weights, [40])))
    assert np.shape(ours) == theirs.shape
    # Sums of some hundred numbers, each of some operations, relative to the largest of what is summed.
    largest = 100 if "Percentage" in case else 1
    np.testing.assert_allclose(
        ours, theirs, rtol=0, atol=largest * ROWS * UNITS * 64 * EPS * max(1, np.abs(theirs).max())
    )
    assert metric.name == other.name.rstrip("_0123456789") or metric.name == other.name
    if (direction := getattr(other, "_direction", None)) is not None:
        assert metric._direction == {"up": "max", "down": "min"}[direction]


@BY_CASE
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
def test_no_cut_into_updates_shows(case, weights):
    _, y, p = made(case)
    whole = updated(made(case)[0], y, p, weights, [])
    for cuts in ([1], [45, 46, 80], list(range(1, ROWS))):
        assert np.array_equal(updated(made(case)[0], y, p, weights, cuts), whole)


@BY_CASE
def test_memory_layout_and_dtype_do_not_show(case):
    _, y, p = made(case)
    whole = updated(made(case)[0], y, p, WEIGHTS, [])
    strided = np.repeat(p, 2, axis=1)[:, ::2]
    assert np.array_equal(updated(made(case)[0], np.asfortranarray(y), strided, WEIGHTS, []), whole)
    if np.array_equal(np.float32(p), p):
        assert np.array_equal(updated(made(case)[0], y, np.float32(p), WEIGHTS, []), whole)


@BY_CASE
def test_a_state_goes_on_and_a_reset_forgets(case):
    metric, y, p = made(case)
    whole = updated(made(case)[0], y, p, WEIGHTS, [])
    metric.update_state(y[:30], p[:30], WEIGHTS[:30])
    for other in (made(case)[0], copy.deepcopy(metric)):
        other._set_state(metric._state())
        assert np.array_equal(updated(other, y[30:], p[30:], WEIGHTS[30:], []), whole)
    metric.reset_state()
    assert np.array_equal(updated(metric, y, p, WEIGHTS, []), whole)


@BY_CASE
def test_a_config_makes_an_equal_metric_and_keras_config_does_too(case, keras):
    metric, y, p = made(case)
    other = metrics.get(metrics.serialize(metric))
    assert other.get_config() == metric.get_config()
    assert np.array_equal(other(y, p), metric(y, p))
    if case not in NOT_IN_KERAS and "label_weights" not in CASES[case][0]:
        theirs = keras.metrics.serialize(made(case, keras.metrics)[0])
        assert np.array_equal(metrics.get(theirs)(y, p), other.result())


def test_scikit_learn_has_the_same_numbers():
    sk = pytest.importorskip("sklearn.metrics")
    y, p, weights = BIT[:, 0], np.round(chances(2, 1)[:, 0], 2), WEIGHTS
    chosen = p > 0.5
    inner = np.unique(p)
    expected = {
        metrics.BinaryAccuracy(): sk.accuracy_score(y, chosen, sample_weight=weights),
        metrics.Precision(): sk.precision_score(y, chosen, sample_weight=weights),
        metrics.Recall(): sk.recall_score(y, chosen, sample_weight=weights),
        # A threshold at each prediction makes the curve exact.
        metrics.AUC(thresholds=inner.tolist()): sk.roc_auc_score(y, p, sample_weight=weights),
        metrics.MeanSquaredError(): sk.mean_squared_error(y, p, sample_weight=weights),
        metrics.RootMeanSquaredError(): sk.root_mean_squared_error(y, p, sample_weight=weights),
        metrics.R2Score(): sk.r2_score(y, p, sample_weight=weights),
        metrics.Quantile(quantile=0.3): sk.mean_pinball_loss(y, p, alpha=0.3, sample_weight=weights),
    }
    for metric, value in expected.items():
        metric.update_state(y, p, weights)
        assert abs(metric.result() - value) <= ROWS * 64 * EPS, metric
    scores = metrics.F1Score(threshold=0.5)(BITS, chances(2))
    for ours, column in zip(scores, range(UNITS), strict=True):
        theirs = sk.f1_score(BITS[:, column], chances(2)[:, column] > 0.5)
        assert abs(ours - theirs) <= 2e-7  # Keras' epsilon in three denominators
    top = metrics.SparseTopKCategoricalAccuracy(k=2)(LABELS, chances(2))
    assert top == sk.top_k_accuracy_score(LABELS, chances(2), k=2)


def test_r2_keeps_its_digits_far_from_zero():
    """The textbook sum of squares minus the square of the sum would leave none of them."""
    sk = pytest.importorskip("sklearn.metrics")
    y, p = numbers(1, 1) + 2.0**30, numbers(2, 1) + 2.0**30
    assert abs(metrics.R2Score()(y, p) - sk.r2_score(y, p)) <= ROWS * 64 * EPS * 10


@pytest.mark.parametrize("name", ["accuracy", "acc", "Accuracy"])
@pytest.mark.parametrize(("columns", "units"), [(1, 1), (1, 3), (3, 3)])
def test_accuracy_is_the_one_that_keras_chooses(name, columns, units, keras):
    from keras.src.trainers.compile_utils import get_metric

    theirs = get_metric(name, np.zeros((2, columns)), np.zeros((2, units)))
    ours = named(name, columns, units)
    assert (type(ours).__name__, ours.name) == (type(theirs).__name__, theirs.name)


def test_metrics_are_named_as_they_were_given():
    assert [named(each, 1, 1).name for each in ("mse", "mae", "auc", "acc", "ce", "AUC")] == [
        *("mse", "mae", "auc", "acc", "ce", "AUC")
    ]
    assert [named(each, 1, 1).name for each in (metrics.AUC(), metrics.AUC(name="mine"), abs)] == ["auc", "mine", "abs"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("mse", "MeanSquaredError"), ("MAE", "MeanAbsoluteError"), ("rmse", "RootMeanSquaredError")),
        *(("r2_score", "R2Score"), ("f1_score", "F1Score"), ("auc", "AUC"), ("AUC", "AUC"), ("precision", "Precision")),
        *(("top_k_categorical_accuracy", "TopKCategoricalAccuracy"), ("log_cosh_error", "LogCoshError")),
        ("cosine_similarity", "CosineSimilarity"),
        *(("kl_divergence", "KLDivergence"), ("huber", "Huber"), ("quantile", "Quantile"), ("hinge", "Hinge")),
    ],
)
def test_names_are_those_of_keras(name, kind):
    assert type(metrics.get(name)).__name__ == kind


def test_every_loss_is_a_metric():
    for name in losses.lookup._NAMES._shown:
        if name == "cosine_similarity":
            continue  # as a metric more is better; see the next test
        metric = metrics.get(name)
        assert metric._direction == "min"
        loss = losses.get(name)
        y, p = (LABELS, chances(2)) if loss._targets == "labels" else (ONE_HOT, chances(2))
        assert metric(y, p) == loss(y, p)
        assert metrics.get(loss)(y, p) == loss(y, p)


def test_cosine_similarity_as_a_metric_is_minus_the_loss_and_more_is_better():
    metric, loss = metrics.get("cosine_similarity"), losses.get("cosine_similarity")
    assert metric._direction == "max"
    assert metric(numbers(1), numbers(2)) == -loss(numbers(1), numbers(2))
    for make in (metrics.CosineSimilarity, losses.CosineSimilarity):
        assert make(axis=-1).axis == -1
        with pytest.raises(ValueError, match="expected axis to be -1 or 1, that of the units .*; received axis=0"):
            make(axis=0)


def test_vectors_and_columns_are_the_same_targets():
    """A broadcast of (n,) against (n, 1) would compare each target with each prediction."""
    y, p = BIT[:, 0], chances(2, 1)
    for case in ("BinaryAccuracy", "Precision", "Recall", "AUC", "R2Score", "RootMeanSquaredError", "MeanSquaredError"):
        expected = getattr(metrics, case)()(y[:, None], p)
        assert getattr(metrics, case)()(y, p) == expected
        assert getattr(metrics, case)()(y, p[:, 0]) == expected


def test_functions_are_metrics():
    def largest_error(y, p):
        return np.abs(y - p).max(axis=1)

    metric = metrics.get(largest_error)
    y, p = numbers(1), numbers(2)
    assert metric.name == "largest_error"
    assert metric(y, p) == pytest.approx(np.abs(y - p).max(axis=1).mean(), rel=ROWS * EPS)
    by_update = metrics.get(lambda y, p: np.abs(y - p).max())
    assert updated(by_update, y, p, None, [30]) == (np.abs(y - p)[:30].max() + np.abs(y - p)[30:].max()) / 2
    with pytest.raises(ValueError, match="a number, or one for each of 90 rows; received float64 of shape"):
        metrics.get(lambda y, p: np.zeros(3))(y, p)
    with pytest.raises(ValueError, match="received the function 'largest_error'"):
        metric.get_config()


def test_nan_is_above_no_threshold_and_in_no_top():
    p = np.array([[np.nan], [0.9]])
    assert metrics.TruePositives()([1, 1], p) == 1
    assert metrics.SparseTopKCategoricalAccuracy(k=1)([0, 0], np.array([[np.nan, 0.1], [0.9, 0.1]])) == 0.5
    assert np.isnan(metrics.MeanSquaredError()([1, 1], p))


def test_without_rows_results_are_those_of_keras():
    assert metrics.Mean().result() == metrics.Precision().result() == metrics.AUC().result() == 0
    assert metrics.MeanSquaredError().result() == metrics.RootMeanSquaredError().result() == 0
    assert np.isnan(metrics.R2Score().result())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: metrics.get("acuracy"), r"received 'acuracy'; did you mean 'accuracy'\?$"),
        (lambda: metrics.get(3), "expected a metric from fastnn.metrics"),
        (lambda: metrics.Precision(thresholds=2), "thresholds from 0 to 1"),
        (lambda: metrics.AUC(curve="roc curve"), "curve to be one of 'ROC', 'PR'"),
        (lambda: metrics.AUC(num_thresholds=1), "at least 2"),
        (lambda: metrics.AUC(num_labels=3), "multi_label=True"),
        (lambda: metrics.R2Score(class_aggregation="mean"), "class_aggregation"),
        (lambda: metrics.F1Score(average="samples"), "average"),
        (lambda: metrics.F1Score()(BIT, chances(2, 1)), r"use F1Score\(threshold=0.5\)"),
        (lambda: metrics.Precision()(LABELS, chances(2)), r"others take one-hot rows, np.eye\(4\)\[y\], with a loss"),
        (lambda: metrics.Precision(class_id=4)(BITS, chances(2)), "class_id to be below 4"),
        (lambda: metrics.SparseCategoricalAccuracy()([4], [[0.1, 0.2]]), "received 4.0 in row 0"),
        (lambda: metrics.MeanSquaredError()([1, 2], [1, 2], sample_weight=[1]), "a number for each of 2 rows"),
        (lambda: metrics.MeanSquaredError(dtype="int8"), "dtype to be None, 'float32' or 'float64'"),
        (lambda: metrics.SparseTopKCategoricalAccuracy(from_sorted_ids=True), "from_sorted_ids=False"),
    ],
)
def test_what_is_wrong_is_said(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_adjusted_r2_of_few_rows_warns():
    with pytest.warns(UserWarning, match="More independent predictors than datapoints"):
        metrics.R2Score(num_regressors=5)([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    with pytest.warns(UserWarning, match="Division by zero"):
        metrics.R2Score(num_regressors=2)([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])


def test_a_users_subclass_is_a_metric():
    class Rows(metrics.Metric):
        def __init__(self):
            super().__init__(name="rows")
            self.rows = 0

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.rows += len(y_true)

        def result(self):
            return self.rows

        def reset_state(self):
            self.rows = 0

    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile(loss="mse", metrics=[Rows()])
    assert model.evaluate(np.zeros((5, 2)), np.zeros(5), verbose=0, return_dict=True)["rows"] == 5


def test_metrics_of_evaluate_do_not_depend_on_the_batches():
    x = numbers(3)
    model = Sequential([Dense(UNITS, "softmax", input_shape=(UNITS,))])
    given = ["accuracy", "crossentropy", metrics.SparseTopKCategoricalAccuracy(k=2)]
    model.compile(loss="crossentropy", metrics=given, weighted_metrics=["accuracy"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        results = [
            model.evaluate(x, LABELS, batch_size=size, sample_weight=WEIGHTS, verbose=0, return_dict=True)
            for size in (1, 7, 32, 100)
        ]
    assert results == [results[0]] * 4


def test_a_metric_that_would_never_forget_an_epoch_is_refused_when_its_class_is_made():
    with pytest.raises(
        TypeError, match=r"^expected Rows to define reset_state\(\), which forgets the rows before; received"
    ):

        class Rows(metrics.Metric):
            def update_state(self, y_true, y_pred, sample_weight=None):
                pass

            def result(self):
                return 0.0

    class Largest(metrics.Mean):  # its sums are reset
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(y_pred.max())

    metric = Largest()
    metric(None, np.ones(3))
    metric.reset_state()
    assert metric.result() == 0
