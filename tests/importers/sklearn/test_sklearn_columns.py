"""ColumnTransformer and FeatureUnion: branches side by side become layers in a row."""

import warnings

import numpy as np
import pytest

import fastnn
from estimators import X, fitted
from sklearn_answers import assert_same_answers

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA, FactorAnalysis, IncrementalPCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectFromModel, VarianceThreshold
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.random_projection import GaussianRandomProjection

CLIPPED = MinMaxScaler((-1, 2), clip=True)
COLUMNS = {
    "numbers": ([("a", StandardScaler(), [4, 0]), ("b", MaxAbsScaler(), [2])], "drop"),
    "passed": ([("a", "passthrough", [3]), ("b", "drop", [0])], "passthrough"),
    "the rest": ([("a", PCA(2), [0, 1, 2])], StandardScaler()),
    "negative numbers": ([("a", StandardScaler(), [-1, -2])], "passthrough"),
    "slices": ([("a", PCA(1), slice(0, 2)), ("b", RobustScaler(), slice(3, None))], "drop"),
    "booleans": ([("a", StandardScaler(), [True, False, False, True, True])], MinMaxScaler()),
    "a function": ([("a", StandardScaler(), lambda x: [1, 2])], "passthrough"),
    "no columns": ([("a", PCA(), []), ("b", StandardScaler(), [1, 3])], "drop"),
    "a column twice": ([("a", StandardScaler(), [0, 1]), ("b", MinMaxScaler(), [1, 2])], "drop"),
    "bounds": ([("a", CLIPPED, [0, 1]), ("b", StandardScaler(), [2, 3])], "drop"),
    "bounds of one side": ([("a", CLIPPED, [0]), ("b", MinMaxScaler((0, 2), clip=True), [1])], "drop"),
    "bounds, then a projection": ([("a", make_pipeline(CLIPPED, PCA(1), CLIPPED), [0, 1])], PCA(2)),
    "nested": ([("a", ColumnTransformer([("b", PCA(1), [0, 2])], remainder="passthrough"), [4, 1, 0])], CLIPPED),
}


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("last", [MLPClassifier((4,)), Ridge(), None], ids=["network", "ridge", "alone"])
@pytest.mark.parametrize(("branches", "remainder"), COLUMNS.values(), ids=COLUMNS)
def test_columns_of_branches_are_scikit_learns(branches, remainder, last, fold):
    columns = ColumnTransformer(branches, remainder=remainder)
    estimator = fitted(columns if last is None else make_pipeline(columns, last))
    assert_same_answers(estimator, X * 2, fold)


NAMED = {
    "names": [("a", StandardScaler(), ["e", "a"]), ("b", PCA(1), ["b", "c"])],
    "a slice of names": [("a", StandardScaler(), slice("b", "d"))],
    "numbers of named columns": [("a", StandardScaler(), [3, 1])],
}


@pytest.mark.parametrize("output", ["default", "pandas"])
@pytest.mark.parametrize("branches", NAMED.values(), ids=NAMED)
def test_columns_by_name_are_the_frames(branches, output):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcde"))
    columns = ColumnTransformer(branches, remainder="passthrough").set_output(transform=output)
    estimator = fitted(make_pipeline(columns, StandardScaler(), LogisticRegression()), frame)
    model = assert_same_answers(estimator, frame)
    assert model.feature_names == tuple("abcde")
    assert (model.predict(frame[list("edcba")]) == model.predict(X)).all()


def test_names_that_a_transformer_gives_its_columns_are_not_those_of_the_inputs():
    pytest.importorskip("pandas")
    scaler = StandardScaler().set_output(transform="pandas")
    estimator = fitted(make_pipeline("passthrough", scaler, PCA(2).set_output(transform="pandas"), Ridge()))
    assert assert_same_answers(estimator, X).feature_names is None


def test_weights_of_branches_multiply_their_columns():
    branches = [("a", StandardScaler(), [0, 1]), ("b", "passthrough", [2])]
    assert_same_answers(fitted(ColumnTransformer(branches, transformer_weights={"a": 3.0, "b": 0.5})), X)
    union = FeatureUnion([("a", PCA(2)), ("b", StandardScaler())], transformer_weights={"b": -2.0})
    assert_same_answers(fitted(make_pipeline(union, Ridge())), X)


def test_a_column_transformer_of_scalers_folds_into_the_network_after_it():
    columns = ColumnTransformer([("a", StandardScaler(), [4, 0]), ("b", MinMaxScaler(), [2])])
    model = assert_same_answers(fitted(make_pipeline(columns, MLPClassifier((4,)))), X)
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Dense"]
    assert model.input_shape == (None, 5)
    assert not model.layers[0].get_weights()[0][[1, 3]].any()
    assert dict(model.conversion.steps)["step 'columntransformer' (ColumnTransformer)"] == "folded into layer 0"


@pytest.mark.parametrize(("components", "widths"), [(1, [1, 4, 3]), (5, [4, 3])])
def test_a_projection_becomes_one_kernel_with_the_layer_after_it_if_that_is_less_work(components, widths):
    estimator = make_pipeline(StandardScaler(), PCA(components, whiten=True), StandardScaler(), MLPClassifier((4,)))
    model = assert_same_answers(fitted(estimator), X)
    assert [layer.units for layer in model.layers] == widths  # 5 * 1 + 1 * 4 < 5 * 4 < 5 * 5 + 5 * 4
    told = dict(model.conversion.steps)["step 'mlpclassifier' (MLPClassifier): coefs_[0]"]
    assert told == ("layer 1: Dense" if components == 1 else "layer 0: Dense, one kernel with the step before")
    assert len(assert_same_answers(estimator, X, fold=False).layers) == 7


def test_a_float32_model_subtracts_large_means_before_a_projection_beside_other_columns():
    """x @ kernel + bias would cost the digits of 1e6 that x - mean keeps."""
    x = (X + 1e6).astype("f4")
    columns = ColumnTransformer([("a", make_pipeline(StandardScaler(), PCA(2)), [0, 2]), ("b", RobustScaler(), [1, 4])])
    estimator = fitted(columns, x)
    estimator.transformers_[0][1][1].components_ = estimator.transformers_[0][1][1].components_.astype("f4")
    model = fastnn.from_sklearn(estimator)
    assert model.dtype == "float32"
    assert np.abs(model.predict(x) - estimator.transform(x.astype("f8"))).max() < 1e-5


def test_columns_that_no_branch_takes_change_no_answer():
    model = assert_same_answers(fitted(make_pipeline(ColumnTransformer([("a", PCA(2), [1, 2])]), Ridge())), X)
    assert (model.predict(X) == model.predict(X * [9, 1, 1, -4, 0])).all()


@pytest.mark.parametrize(("edit", "words"), [
    ({"transformers_": [("a", "drop", [0])]}, "makes no columns"),
    ({"transformers_": [("a",)]}, r"expected transformers_ as \(name, transformer, columns\)"),
    ({"transformers_": [("a", "passthrough", ["city"])]}, r"'a': expected columns by number or name; .*'city'"),
    ({"transformers_": [("a", "passthrough", [7])]}, "'a': expected columns by number or name"),
    ({"transformers_": {}}, "expected transformers_ to be a list of estimators"),
    ({"transformer_weights": {"a": "x"}}, "expected transformer_weights to be numbers; received 'x'"),
    ({"n_features_in_": 3}, "step 'a' .PCA. has 5 inputs; expected 3"),
])  # fmt: skip
def test_a_column_transformer_that_does_not_fit_is_refused(edit, words):
    columns = fitted(ColumnTransformer([("a", PCA(), slice(0, None))]))
    for name, value in edit.items():
        setattr(columns, name, value)
    with pytest.raises(fastnn.ModelFormatError, match=words):
        fastnn.from_sklearn(columns, verify=False)


def a_transformer(random, depth=0):
    """A random transformer of any number of columns."""
    kinds = [
        lambda: StandardScaler(with_mean=bool(random.integers(2)), with_std=bool(random.integers(2))),
        lambda: MinMaxScaler((-1, float(random.integers(1, 4))), clip=bool(random.integers(2))),
        lambda: MaxAbsScaler(),
        lambda: RobustScaler(),
        lambda: FunctionTransformer(),
        lambda: PCA(1, whiten=bool(random.integers(2))),
        lambda: FactorAnalysis(1),
        lambda: IncrementalPCA(1),
        lambda: GaussianRandomProjection(int(random.integers(1, 4)), random_state=1),
        lambda: VarianceThreshold(),
        lambda: SelectFromModel(Ridge(), max_features=1, threshold=-np.inf),
        lambda: make_pipeline(a_transformer(random, depth + 1), a_transformer(random, depth + 1)),
        lambda: FeatureUnion([("a", a_transformer(random, depth + 1)), ("b", a_transformer(random, depth + 1))]),
        lambda: columns_of(random, depth + 1),
    ]
    return kinds[random.integers(len(kinds) - (3 if depth > 2 else 0))]()


def columns_of(random, depth):
    branches = [
        (str(i), a_transformer(random, depth), [0] if i else slice(0, None)) for i in range(random.integers(1, 4))
    ]
    branches.append(("kept", "passthrough", [-1]))
    weights = {"0": float(random.normal())} if random.integers(2) else None
    return ColumnTransformer(branches, transformer_weights=weights)


def a_predictor(random):
    """A random estimator, and what it is fitted on."""
    labels, values = np.arange(40) % random.integers(2, 4), np.abs(random.normal(size=(40, 2)))
    kinds = [
        (LogisticRegression(), labels), (RidgeClassifier(), labels), (LinearDiscriminantAnalysis(), labels),
        (SGDClassifier(loss="log_loss", alpha=1.0), labels), (OneVsRestClassifier(LogisticRegression()), labels),
        (MLPClassifier((3,), max_iter=3), labels), (Ridge(), values), (PoissonRegressor(), values[:, 0]),
        (MultiOutputRegressor(Ridge()), values), (MLPRegressor(hidden_layer_sizes=(4,), max_iter=3), values[:, 0]),
        (TransformedTargetRegressor(Ridge(), transformer=StandardScaler()), values),
        (TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1), values),
        (None, labels),
    ]  # fmt: skip
    return kinds[random.integers(len(kinds))]


@pytest.mark.slow
def test_300_random_pipelines_give_scikit_learns_answers():
    layers = 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        inputs = int(random.integers(1, 9))
        x = random.normal(size=(40, inputs)) * random.uniform(0.1, 10, inputs) + random.normal(size=inputs)
        predictor, y = a_predictor(random)
        before = [a_transformer(random) for _ in range(random.integers(1, 3))]
        estimator = make_pipeline(*before, StandardScaler(), *([] if predictor is None else [predictor]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that some do not converge
            estimator.fit(x, y)
        try:
            model = assert_same_answers(estimator, random.normal(size=(20, inputs)) * 5, bool(seed % 3))
        except Exception as error:
            raise AssertionError(f"seed {seed}: {estimator}") from error
        layers += len(model.layers)
    assert layers > 300
