"""What stands before an estimator, or after it for a target: scalers, projections, selectors, and branches of them."""

from typing import Any, NamedTuple

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.live_objects import own_name
from fastnn.importers.refusals import refusing
from fastnn.importers.sklearn_estimators.attributes import attribute, inside, members, source_of
from fastnn.importers.sklearn_estimators.columns import SELECTORS, places, selection
from fastnn.importers.sklearn_estimators.parallel import side_by_side
from fastnn.importers.sklearn_estimators.projections import PROJECTIONS, projection
from fastnn.importers.sklearn_estimators.scalers import SCALERS, inverse_function, scaler, without_function
from fastnn.importers.steps import Columns, Nothing, Scale, Step

TRANSFORMERS = (*SCALERS, *PROJECTIONS, *SELECTORS, "ColumnTransformer", "FeatureUnion", "FunctionTransformer")


def pipeline(thing: Any, path: str) -> list[tuple[str, Any]]:
    """Return the paths and the members of a pipeline."""
    expected = f"{source_of(thing, path)}: expected steps as (name, estimator), at least one"
    with refusing(expected, AttributeError, TypeError, ValueError):
        first, *rest = [(inside(path, name), member) for name, member in thing.steps]
    return [first, *rest]


def is_passed(thing: Any) -> bool:
    """Return whether a member of a pipeline changes nothing: None or "passthrough"."""
    return thing is None or (isinstance(thing, str) and thing == "passthrough")


def feature_names(estimator: Any) -> Any:
    """Return the names of the columns that an estimator was fitted on, or None."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None or not hasattr(estimator, "steps"):
        return names
    # A pipeline that begins with "passthrough" has no names; members behind others may have names of other columns.
    first = next((member for _, member in estimator.steps if not is_passed(member)), None)
    return feature_names(first)


def transformed(thing: Any, path: str) -> list[Step]:
    """Return the steps of a fitted transformer, or of a pipeline of them."""
    source = source_of(thing, path)
    if is_passed(thing):
        return [Nothing(f"step '{path}' (passthrough)")]
    match own_name(thing, "sklearn"):
        case "Pipeline":
            return [step for name, member in pipeline(thing, path) for step in transformed(member, name)]
        case "FunctionTransformer":
            return [without_function(thing, source)]
        case "ColumnTransformer":
            return _column_transformer(thing, path, source)
        case "FeatureUnion":
            return _feature_union(thing, path, source)
        case str() as kind if kind in SCALERS:
            return scaler(thing, kind, source)
        case str() as kind if kind in PROJECTIONS:
            return projection(thing, kind, source)
        case str() as kind if kind in SELECTORS:
            return [selection(thing, source)]
    raise UnsupportedModelError(
        f"{source} is no layer; expected scalers, linear projections such as PCA, selectors, and ColumnTransformer or "
        "FeatureUnion of them; transform rows up to there by scikit-learn, and convert the steps after it"
    )


def inverse(thing: Any, path: str) -> list[Step]:
    """Return the steps of a fitted transformer's inverse."""
    source = source_of(thing, path)
    if is_passed(thing):
        return [Nothing(f"step '{path}' (passthrough)")]
    match own_name(thing, "sklearn"):
        case "Pipeline":
            return [step for name, member in reversed(pipeline(thing, path)) for step in inverse(member, name)]
        case "FunctionTransformer":
            return inverse_function(thing, source)
        case str() as kind if kind in SCALERS:
            return scaler(thing, kind, source, inverse=True)
    raise UnsupportedModelError(
        f"{source} is no layer for a target; expected StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, or a "
        "function whose inverse is np.exp or np.expm1; convert its regressor_, and transform the answers back yourself"
    )


class Member(NamedTuple):
    """A branch of a ColumnTransformer or a FeatureUnion.

    columns: the numbers of those that it takes. weight: of what it makes of them, or None.
    """

    path: str
    transformer: Any
    columns: Array
    weight: Any


def column_members(thing: Any, path: str, source: str) -> list[Member]:
    """Return the branches of a ColumnTransformer that make columns."""
    fitted = members(thing, source, "transformers_")
    width = attribute(thing, source, "n_features_in_")
    names, weights = getattr(thing, "feature_names_in_", None), getattr(thing, "transformer_weights", None) or {}
    with refusing(f"{source}: expected transformers_ as (name, transformer, columns)", TypeError, ValueError):
        triples = [(name, member, columns) for name, member, columns in fitted]
    made = [
        Member(inside(path, name), member, places(columns, names, width, f"{source}: '{name}'"), weights.get(name))
        for name, member, columns in triples
    ]
    return _not_empty(source, [each for each in made if len(each.columns) and not _is_dropped(each.transformer)])


def union_members(thing: Any, path: str, source: str, columns: Array) -> list[Member]:
    """Return the branches of a FeatureUnion that make columns; all take the same columns."""
    weights = getattr(thing, "transformer_weights", None) or {}
    made = [
        Member(inside(path, name), member, columns, weights.get(name))
        for name, member in members(thing, source, "transformer_list")
        if not _is_dropped(member)
    ]
    return _not_empty(source, made)


def _not_empty(source: str, made: list[Member]) -> list[Member]:
    if not made:
        raise ModelFormatError(f"{source} makes no columns; expected a transformer that is not 'drop'")
    return made


def _column_transformer(thing: Any, path: str, source: str) -> list[Step]:
    width = attribute(thing, source, "n_features_in_")
    branches: list[list[Step]] = []
    for member in column_members(thing, path, source):
        steps = [*transformed(member.transformer, member.path), *weighted(source, member.weight)]
        branches.append([Columns(source, member.columns, width), *steps])
    return side_by_side(source, branches, width)


def _feature_union(thing: Any, path: str, source: str) -> list[Step]:
    branches = [
        [*transformed(each.transformer, each.path), *weighted(source, each.weight)]
        for each in union_members(thing, path, source, np.arange(0))
    ]
    widths = [step.inputs for branch in branches for step in branch[:1] if step.inputs is not None]
    return side_by_side(source, branches, widths[0] if widths else attribute(thing, source, "n_features_in_"))


def _is_dropped(thing: Any) -> bool:
    return isinstance(thing, str) and thing == "drop"


def weighted(source: str, weight: Any) -> list[Step]:
    """Return the steps that multiply a branch by its weight; [] for None."""
    if weight is None:
        return []
    with refusing(
        f"{source}: expected transformer_weights to be numbers; received {weight!r:.60}", TypeError, ValueError
    ):
        return [Scale(source, np.array(float(weight)), np.zeros(()))]
