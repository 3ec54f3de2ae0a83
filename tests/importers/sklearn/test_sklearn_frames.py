"""Pipelines that take raw frames, with text, gaps and categories, become models that begin with a FeatureSpace."""

import itertools
import warnings

import numpy as np
import pytest

import fastnn
from arrays import same_bits
from estimators import fitted
from fastnn.importers.sklearn_estimators.api import from_sklearn
from frames import FRAMES
from raw_frames import (
    CONSTANT,
    INFREQUENT,
    KNOWN,
    LABELS,
    MOST_FREQUENT,
    NEW,
    NUMBERS,
    ONE_HOT,
    ORDINAL,
    TEXTS,
    TRAINING,
    WHOLE,
    frame,
    of_columns,
)
from sklearn_answers import answers, assert_same_answers

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("pandas", reason="pandas is not installed")

import pandas
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler

COLUMNS = {
    "means": [(SimpleImputer(), NUMBERS)],
    "medians with indicators": [(make_pipeline(SimpleImputer(strategy="median", add_indicator=True), RobustScaler()),
                                 NUMBERS)],
    "a constant, scaled": [(make_pipeline(SimpleImputer(strategy="constant", fill_value=-1), StandardScaler()),
                            NUMBERS)],
    "scaled, then filled": [(make_pipeline(StandardScaler(), SimpleImputer(add_indicator=True)), NUMBERS)],
    "filled twice": [(SimpleImputer(), ["age"]), (SimpleImputer(strategy="median"), ["age", "income"])],
    "indicators alone": [(MissingIndicator(features="all"), ["age", "city"]), (ONE_HOT, ["city"])],
    "one-hot": [(ONE_HOT, [*TEXTS, *WHOLE])],
    "one-hot with gaps as categories": [(ONE_HOT, ["city"]), ("passthrough", ["height"])],
    "one-hot without the first": [(OneHotEncoder(drop="first", handle_unknown="ignore"), [*TEXTS, *WHOLE])],
    "one-hot of binary ones": [(OneHotEncoder(drop="if_binary", handle_unknown="ignore"), [*TEXTS, *WHOLE])],
    "one-hot with rare ones": [(INFREQUENT, [*TEXTS, "zip"])],
    "one-hot with few categories": [(OneHotEncoder(max_categories=2, handle_unknown="ignore"), [*TEXTS, "zip"])],
    "one-hot without the first of rare ones": [
        (OneHotEncoder(drop="first", max_categories=3, handle_unknown="infrequent_if_exist"), [*TEXTS, "zip"])
    ],
    "the most frequent": [(make_pipeline(MOST_FREQUENT, ONE_HOT), TEXTS)],
    "a category for gaps": [(make_pipeline(CONSTANT, ONE_HOT), TEXTS), (SimpleImputer(), NUMBERS)],
    "ordinal": [(ORDINAL, [*TEXTS, "zip"])],
    "ordinal, then filled": [(make_pipeline(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), SimpleImputer()), TEXTS)],
    "ordinal with rare ones": [(OrdinalEncoder(min_frequency=16, handle_unknown="use_encoded_value", unknown_value=9,
                                               encoded_missing_value=-2), [*TEXTS, "zip"])],
    "ordinal, then one-hot": [(make_pipeline(ORDINAL, ONE_HOT), TEXTS)],
    "encoded twice": [(ONE_HOT, TEXTS), (ORDINAL, TEXTS)],
    "one-hot, scaled": [(make_pipeline(ONE_HOT, StandardScaler(with_mean=False)), TEXTS)],
    "projected": [(make_pipeline(SimpleImputer(), StandardScaler(), PCA(2)), NUMBERS), (ONE_HOT, TEXTS)],
    "clipped": [(make_pipeline(SimpleImputer(), MinMaxScaler(clip=True)), NUMBERS), (ORDINAL, TEXTS)],
    "selected": [(make_pipeline(SimpleImputer(), VarianceThreshold(1.0)), NUMBERS), (ONE_HOT, ["size"])],
    "passed": [("passthrough", ["height", "zip", "paid"]), (ONE_HOT, TEXTS)],
    "a union": [(FeatureUnion([("filled", SimpleImputer()), ("gaps", MissingIndicator())]), ["age", "income"])],
    "nested": [(ColumnTransformer([("a", SimpleImputer(), [1]), ("b", ONE_HOT, [0])]), ["city", "age"])],
}  # fmt: skip


def predictor(columns, last):
    return fitted(columns if last is None else make_pipeline(columns, last), TRAINING, LABELS)


@pytest.mark.parametrize(("last", "fold"), [(MLPClassifier((4,)), True), (None, False)], ids=["network", "alone"])
@pytest.mark.parametrize("branches", COLUMNS.values(), ids=COLUMNS)
def test_frames_with_gaps_and_unknown_categories_get_scikit_learns_answers(branches, last, fold):
    model = assert_same_answers(predictor(of_columns(branches), last), NEW, fold)
    assert set(model.feature_space.features) <= {name for _, names in branches for name in names}
    assert model.feature_names is None


@pytest.mark.parametrize("seed", range(20))
def test_random_pipelines_on_random_frames_get_scikit_learns_answers(seed):
    random = np.random.default_rng(seed)

    def one_of(*choices):
        return choices[random.integers(len(choices))]

    filling = {"strategy": one_of("mean", "median", "most_frequent"), "add_indicator": one_of(True, False)}
    numbers = make_pipeline(SimpleImputer(**filling), one_of(StandardScaler(), RobustScaler(), MinMaxScaler()))
    encoder = OneHotEncoder(
        handle_unknown=one_of("ignore", "infrequent_if_exist"), drop=one_of(None, "first", "if_binary"),
        max_categories=one_of(None, 2, 3), sparse_output=False,
    )  # fmt: skip
    texts = one_of(encoder, make_pipeline(CONSTANT, encoder), make_pipeline(MOST_FREQUENT, ORDINAL), ORDINAL)
    whole = one_of("passthrough", encoder, ORDINAL)
    branches = [(numbers, NUMBERS), (texts, TEXTS), (whole, ["zip"]), (one_of("passthrough", encoder), ["paid"])]
    random.shuffle(branches)
    columns = of_columns(branches, remainder="drop")
    between = one_of(["passthrough"], [StandardScaler()], [VarianceThreshold()], [StandardScaler(), PCA(3)])
    training, new = frame(100 + seed, unknown=False), frame(200 + seed)
    last = one_of(LogisticRegression(), MLPClassifier((4,)), Ridge())
    assert_same_answers(fitted(make_pipeline(columns, *between, last), training, LABELS), new)


def test_the_model_takes_every_kind_of_table_by_name_and_its_file_does(path):
    estimator = predictor(of_columns([(ONE_HOT, TEXTS), (SimpleImputer(), NUMBERS)]), LogisticRegression())
    model = from_sklearn(estimator, name="table")
    wanted = model.predict(NEW)
    model.save(path)
    loaded = fastnn.load_model(path)
    shuffled = NEW[[*reversed(NEW.columns)]].rename(columns={"id": "other"})
    lists = {name: [None if value != value else value for value in NEW[name]] for name in NEW}
    for table in (NEW, shuffled, NEW.drop(columns=["id", "zip", "paid"]), lists):
        assert same_bits(loaded.predict(table), wanted)
    for make in FRAMES[1:]:
        assert same_bits(loaded.predict(make(lists)), wanted)
    assert loaded.predict_classes(NEW).tolist() == estimator.predict(NEW).tolist()
    assert loaded.feature_space.get_config() == model.feature_space.get_config()
    with pytest.raises(ValueError, match="expected a column 'size'; received"):
        loaded.predict(NEW.drop(columns="size"))


def test_columns_that_are_left_out_may_hold_text_and_gaps_and_be_missing():
    estimator = predictor(of_columns([(StandardScaler(), ["height"]), ("passthrough", ["zip"])]), LogisticRegression())
    model = assert_same_answers(estimator, NEW)
    assert model.feature_space.features == {"height": "float", "zip": "float"}
    assert same_bits(model.predict(NEW[["zip", "height"]]), model.predict(NEW))


def test_categories_of_every_dtype_are_those_of_the_frame():
    columns = of_columns([(ONE_HOT, [*TEXTS, "zip", "paid"])])
    for dtypes in ({"city": "category", "zip": "category"}, {"size": "string", "zip": "Int64"}, {"zip": "float64"}):
        training, new = TRAINING.astype(dtypes), KNOWN.astype(dtypes)
        assert_same_answers(fitted(make_pipeline(columns, LogisticRegression()), training, LABELS), new)


def test_text_that_stands_for_a_gap_elsewhere_is_a_category_here():
    """scikit-learn has no gaps but missing_values: "NA" and "" are categories like others."""
    training = TRAINING.assign(size=list(itertools.islice(itertools.cycle(["NA", "", "x", "null"]), 60)))
    estimator = fitted(make_pipeline(of_columns([(ONE_HOT, ["size"])]), LogisticRegression()), training, LABELS)
    model = assert_same_answers(estimator, training)
    assert same_bits(model.predict({"size": ["NaN", None]}), model.predict({"size": ["other", "another"]}))


def test_none_is_a_gap_where_the_imputer_says_so():
    training, new = (each.astype({"city": object}).replace({"city": {np.nan: None}}) for each in (TRAINING, NEW))
    filled = make_pipeline(SimpleImputer(missing_values=None, strategy="constant", fill_value="?"), ONE_HOT)
    assert_same_answers(fitted(make_pipeline(of_columns([(filled, ["city"])]), Ridge()), training, LABELS), new)


def test_two_encoders_of_a_column_may_know_different_categories():
    rare = OneHotEncoder(categories=[["s", "q", "r", "t"]], min_frequency=1, handle_unknown="infrequent_if_exist")
    estimator = predictor(of_columns([(rare, ["size"]), (OneHotEncoder(), ["size"])]), LogisticRegression())
    model = assert_same_answers(estimator, KNOWN)
    assert model.feature_space.get_config()["columns"][0]["values"] == ["s", "l", "m"]


@pytest.mark.parametrize("encoder", [ONE_HOT, make_pipeline(CONSTANT, ONE_HOT)], ids=["ignored", "filled"])
def test_many_categories_are_converted_at_once(encoder):
    """The encoder's columns share their categories: a table of all for each took half a minute for 3000."""
    many = pandas.DataFrame({"city": [f"city {i}" for i in range(900)] + [np.nan] * 9})
    assert_same_answers(make_pipeline(of_columns([(encoder, ["city"])]), Ridge()).fit(many, range(909)), many)


GAPS = {
    "NaN that is filled is a category too": (np.nan, [CONSTANT, OneHotEncoder(categories=[["none", "x", np.nan]])]),
    "an imputer of None fills None": (None, [SimpleImputer(missing_values=None, strategy="most_frequent"), ONE_HOT]),
    "an imputer of NA fills None": (None, [SimpleImputer(missing_values=pandas.NA, strategy="most_frequent"), ONE_HOT]),
    "None has the code of its place": (None, [OrdinalEncoder(encoded_missing_value=-5)]),
    "NaN has a code of its own": (np.nan, [OrdinalEncoder(encoded_missing_value=-5)]),
}  # fmt: skip


@pytest.mark.parametrize(("gap", "steps"), GAPS.values(), ids=GAPS)
def test_gaps_of_each_kind_are_what_they_are_to_scikit_learn(gap, steps):
    frame = pandas.DataFrame({"city": pandas.Series(["x", "none", "x", gap] * 10, dtype=object)})
    estimator = make_pipeline(of_columns([(make_pipeline(*steps), ["city"])]), Ridge())
    assert_same_answers(estimator.fit(frame, np.arange(40) % 4), frame)


def test_the_target_may_be_transformed_too():
    pipeline = make_pipeline(of_columns([(ONE_HOT, TEXTS), (SimpleImputer(), NUMBERS)]), Ridge())
    estimator = TransformedTargetRegressor(pipeline, transformer=StandardScaler())
    assert_same_answers(fitted(estimator, TRAINING, NEW["height"] * 100), NEW)


def test_an_imputer_in_front_of_columns_by_number():
    columns = ColumnTransformer([("a", StandardScaler(), [0, 2]), ("b", PCA(1), [1, 2])])
    estimator = make_pipeline(SimpleImputer(add_indicator=True), columns, Ridge())
    assert_same_answers(fitted(estimator, TRAINING[NUMBERS], LABELS), NEW[NUMBERS])


# -- what scikit-learn refuses


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OrdinalEncoder()], ids=["one-hot", "ordinal"])
def test_a_category_that_the_encoder_refuses_is_refused_at_prediction(encoder, path):
    estimator = predictor(of_columns([(encoder, ["size", "zip"])]), LogisticRegression())
    model = assert_same_answers(estimator, KNOWN)
    model.save(path)
    for each in (model, fastnn.load_model(path)):
        assert same_bits(each.predict(KNOWN), model.predict(KNOWN))
        row = KNOWN.iloc[:1]
        with pytest.raises(ValueError, match="unknown categories"):
            estimator.predict(row.assign(size="xl"))
        with pytest.raises(ValueError, match="^expected one of 'l', 'm', 's' in column 'size'; received 'xl', which"):
            each.predict(row.assign(size="xl"))
        with pytest.raises(ValueError, match="in column 'size'; received a gap, which the encoder .* refuses: leave"):
            each.predict(row.assign(size=None))
        with pytest.raises(ValueError, match="^expected one of -7, 1010, 4020 in column 'zip'; received 8, which"):
            each.predict(row.assign(zip=8))


def test_a_gap_that_nothing_fills_answers_nan_where_scikit_learn_refuses_the_row(path):
    estimator = predictor(of_columns([(ONE_HOT, TEXTS), ("passthrough", ["height"])]), LogisticRegression())
    model = assert_same_answers(estimator, NEW)
    model.save(path)
    gap = NEW.assign(height=np.where(np.arange(60) == 7, np.nan, NEW["height"]))
    with pytest.raises(ValueError, match="contains NaN"):
        estimator.predict(gap)
    found = fastnn.load_model(path).predict(gap)
    assert np.isnan(found[7]).all()
    assert same_bits(np.delete(found, 7, axis=0), np.delete(model.predict(NEW), 7, axis=0))


def test_the_report_names_the_columns_and_check_compares_the_frames_answers():
    estimator = predictor(of_columns([(ONE_HOT, TEXTS), (SimpleImputer(), NUMBERS)]), LogisticRegression())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = from_sklearn(estimator, check=NEW)
    assert model.conversion.difference.rows == 60
    assert model.conversion.difference.absolute < 1e-12
    assert ("the columns of the frame", "a FeatureSpace of 'city', 'size', 'age', 'income', 'height'") in (
        model.conversion.steps
    )
    assert np.allclose(answers(estimator, NEW), model.predict(NEW))
