"""from_sklearn() of pipelines whose last step was trained by fastnn.sklearn: the pipeline's own answers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import fastnn
from fastnn import from_sklearn
from fastnn.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TABLE = pd.DataFrame({"age": [20, None, 40, 31] * 10, "city": ["Rome", "Oslo", None, "Rome"] * 10})
Y = ["no", "yes", "maybe", "yes"] * 10
AMOUNTS = np.linspace(10, 20, 40)


def prepared(last):
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_pipeline(
        make_column_transformer((numbers, ["age"]), (OneHotEncoder(handle_unknown="ignore"), ["city"])), last
    )


@pytest.mark.parametrize(
    ("last", "y"),
    [
        (MLPClassifier((8, 4), max_iter=5), Y),
        (MLPClassifier((8,), "tanh", max_iter=5), [each == "yes" for each in Y]),
        (MLPClassifier((8, 4), ["elu", {"name": "leaky_relu", "negative_slope": 0.2}], max_iter=5), Y),
        (MLPClassifier((8,), batch_normalization=True, dropout=0.5, max_iter=5), Y),
        (MLPClassifier((8,), max_iter=5), np.array([[1, 0], [0, 1], [1, 1], [0, 0]] * 10)),
        (MLPRegressor(hidden_layer_sizes=(8,), max_iter=5), AMOUNTS),
        (MLPRegressor(hidden_layer_sizes=(8,), max_iter=5), np.stack([AMOUNTS, -AMOUNTS], axis=1)),
        (MLPRegressor(hidden_layer_sizes=(8,), max_iter=5, loss="poisson"), AMOUNTS),
        (
            TransformedTargetRegressor(MLPRegressor(hidden_layer_sizes=(8,), max_iter=5), transformer=StandardScaler()),
            AMOUNTS,
        ),
    ],
    ids=lambda each: str(each)[:60] if hasattr(each, "fit") else "",
)
def test_a_pipeline_trained_by_fastnn_becomes_one_model_of_the_raw_table(last, y):
    pipeline = prepared(last).fit(TABLE, y)
    model = from_sklearn(pipeline)
    expected = pipeline.predict_proba(TABLE) if is_classifier(pipeline) else pipeline.predict(TABLE)
    np.testing.assert_allclose(model.predict(TABLE), expected.reshape(len(TABLE), -1), rtol=1e-10)
    assert model.conversion.verification.rows == 37
    if model.classes is not None and np.ndim(y) == 1:
        assert model.predict_classes(TABLE).tolist() == pipeline.predict(TABLE).tolist()


def test_an_estimator_alone_computes_in_its_own_dtype():
    x = np.random.default_rng(0).random((40, 3), np.float32)
    estimator = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs").fit(x, AMOUNTS)
    model = from_sklearn(estimator)
    assert model.dtype == estimator.model_.dtype == "float32"
    np.testing.assert_array_equal(model.predict(x)[:, 0], estimator.predict(x))


def test_outputs_that_are_no_probabilities_and_other_layers_are_refused():
    estimator = MLPClassifier((4,), loss="hinge", output_activation="linear", max_iter=2).fit(
        AMOUNTS[:, None], Y[:2] * 20
    )
    with pytest.raises(fastnn.UnsupportedModelError, match="no probabilities; use its model_"):
        from_sklearn(estimator)
    layers = [fastnn.layers.Dense(2, input_shape=(2,)), fastnn.layers.LayerNormalization(), fastnn.layers.Dense(1)]
    with pytest.raises(fastnn.UnsupportedModelError, match=r"\(LayerNormalization\) has no step; use its model_"):
        from_sklearn(MLPRegressor.from_model(fastnn.Sequential(layers)))
