"""Pipelines on raw frames that do not become models: each gets one sentence that names the column or the step."""

import numpy as np
import pytest

import fastnn
from estimators import fitted
from fastnn.importers.sklearn_estimators.api import from_sklearn
from raw_frames import CONSTANT, LABELS, NUMBERS, ONE_HOT, ORDINAL, TEXTS, TRAINING, of_columns

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from pandas import Series
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, PolynomialFeatures, StandardScaler

OTHER = TRAINING.assign(half=np.arange(60) % 4 / 2, mixed=["x", 1] * 30, none=Series(["x", None] * 30, dtype=object))
REFUSED = {
    "a number and a category": ([(ONE_HOT, ["zip"]), ("passthrough", ["zip"])], "takes column 'zip' as a number and as "
                                "a category, where a FeatureSpace has one type for a column; give the frame a copy"),
    "fractions as categories": ([(ONE_HOT, ["half"])], "categories 0.5 of column 'half'; expected strings, whole"),
    "other gaps": ([(make_pipeline(SimpleImputer(missing_values="s", strategy="most_frequent"), ONE_HOT), ["size"])],
                   "has missing_values='s'; expected NaN, None or pandas.NA"),
    "a gap of another kind": ([(make_pipeline(CONSTANT, ONE_HOT), ["none"])], "takes None for a value of column 'none'"
                              ", where SimpleImputer fills nan alone, and a FeatureSpace has one gap; replace None by"),
    "two kinds of gaps": ([(make_pipeline(CONSTANT, SimpleImputer(missing_values=None, strategy="most_frequent"),
                                          ONE_HOT), ["none"])], "takes None for a value of column 'none', where Simp"),
    "scaled categories": ([(make_pipeline(StandardScaler(), ONE_HOT), ["zip"])], "'zip' is scaled before it is enc"),
    "an imputer behind a projection": ([(make_pipeline(SimpleImputer(), PCA(2), SimpleImputer()), NUMBERS)],
                                       "'pipeline.simpleimputer-2' .* stands behind .*, whose numbers depend on sev"),
    "a gap that stays": ([(OrdinalEncoder(), ["city"])], "has no number for the gaps of column 'city', .* encod"),
    "text alone": ([(CONSTANT, ["city"])], "column 'city' is text, filled with 'none', and no encoder makes numbers"),
}  # fmt: skip


@pytest.mark.parametrize(("branches", "words"), REFUSED.values(), ids=REFUSED)
def test_what_a_feature_space_cannot_express_is_refused_in_one_sentence(branches, words):
    columns = fitted(of_columns(branches), OTHER, LABELS)
    with pytest.raises(fastnn.UnsupportedModelError, match=words) as raised:
        from_sklearn(columns)
    assert "\n" not in str(raised.value)


def edited(place, **attributes):
    branches = [(SimpleImputer(), NUMBERS), (OneHotEncoder(drop="first"), ["size"]), (ORDINAL, ["zip"])]
    columns = fitted(of_columns(branches), TRAINING, LABELS)
    vars(columns.transformers_[place][1]).update(attributes)
    return columns


MISFITS = {
    "too few fills": ((0, {"statistics_": np.ones(2)}), "expected 3 statistics_; received 2"),
    "an infinite fill": ((0, {"statistics_": np.full(3, np.inf)}), "expected fill to be a finite number"),
    "text as fills": ((0, {"statistics_": np.full(3, "a", object)}), "column 'age' is text, filled with 'a'"),
    "a number as an indicator": ((0, {"indicator_": 5}), r"\(SimpleImputer\): expected attributes as scikit-learn"),
    "no categories": ((1, {"categories_": None}), "expected categories_ to be a list of 1 arrays"),
    "numbers as categories": ((1, {"categories_": [1]}), r"\(OneHotEncoder\): expected attributes as scikit-learn"),
    "lists as categories": ((1, {"categories_": [np.array([["s"]])]}), "expected attributes as scikit-learn sets"),
    "two gaps": ((1, {"categories_": [np.array([None, np.nan])]}), r"the categories \[None, nan\] of column 'size'"),
    "a category that is not there": ((1, {"drop_idx_": [9]}), "expected attributes as scikit-learn sets them: Ind"),
    "another way with unknown ones": ((1, {"handle_unknown": "guess"}), "has handle_unknown='guess'; expected error"),
    "text as a code": ((2, {"unknown_value": "x"}), "expected attributes as scikit-learn sets them: Val"),
    "large categories": ((2, {"categories_": [np.array([2**70], object)]}), "FeatureSpace cannot hold its columns: "),
    "NUL in a category": ((1, {"categories_": [np.array(["a", "b\0c"], object)]}), "has a category with NUL in column"),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "words"), MISFITS.values(), ids=MISFITS)
def test_attributes_that_do_not_fit_are_named(edit, words):
    place, attributes = edit
    with pytest.raises(fastnn.ModelFormatError, match=words) as raised:
        from_sklearn(edited(place, **attributes))
    assert "\n" not in str(raised.value)


def test_a_scaler_of_other_width_is_named():
    estimator = fitted(make_pipeline(SimpleImputer(), StandardScaler(), Ridge()), TRAINING[NUMBERS], LABELS)
    estimator[1].mean_ = estimator[1].scale_ = np.ones(5)
    with pytest.raises(fastnn.ModelFormatError, match=r"\(StandardScaler\) has 5 inputs; expected 3, the outputs of"):
        from_sklearn(estimator)


def test_polynomial_features_behind_an_encoder_are_refused_by_name():
    estimator = make_pipeline(of_columns([(ONE_HOT, TEXTS)]), PolynomialFeatures(), Ridge())
    with pytest.raises(fastnn.UnsupportedModelError, match=r"^step 'polynomialfeatures' \(PolynomialFeatures\) is no"):
        from_sklearn(fitted(estimator, TRAINING, LABELS))
