"""The front of an estimator that takes a raw frame: transformers before all columns are numbers without gaps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.live_objects import own_name
from fastnn.importers.refusals import refusing
from fastnn.importers.sklearn_estimators.attributes import attribute, source_of
from fastnn.importers.sklearn_estimators.columns import SELECTORS, selection
from fastnn.importers.sklearn_estimators.encoders import ENCODERS, encode
from fastnn.importers.sklearn_estimators.frame_columns import Column, Raw, scaled
from fastnn.importers.sklearn_estimators.transformers import (
    Member,
    column_members,
    feature_names,
    is_passed,
    pipeline,
    transformed,
    union_members,
    weighted,
)
from fastnn.importers.steps import Nothing, Scale, Step


@dataclass(frozen=True)
class Front:
    """What transformers make of a frame's columns: columns, or those of branches side by side; then steps."""

    source: str
    columns: list[Column] = field(default_factory=list)
    branches: list[Front] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def has_columns_alone(self) -> bool:
        """Whether each column is still computed of one column of the frame."""
        return not self.branches and not self.steps


@dataclass(frozen=True)
class FromFrame(Step):
    """The step that makes rows of numbers of a frame; only the first of an estimator. names: of all its columns."""

    front: Front
    names: tuple[str, ...]


def takes_frame(thing: Any) -> bool:
    """Return whether an estimator fills gaps or encodes categories, itself or by one of its members."""
    kind = own_name(thing, "sklearn")
    if kind in ENCODERS:
        return True
    name = {"Pipeline": "steps", "ColumnTransformer": "transformers_", "FeatureUnion": "transformer_list"}.get(
        str(kind)
    )
    members = getattr(thing, name, None) if name is not None else None
    if not isinstance(members, list):  # which an error tells later
        return False
    return any(takes_frame(each[1]) for each in members if isinstance(each, (tuple, list)) and len(each) > 1)


def drops_columns(thing: Any, path: str) -> bool:
    """Return whether this is a ColumnTransformer that was fitted on a frame and leaves some of its columns out."""
    if own_name(thing, "sklearn") != "ColumnTransformer" or feature_names(thing) is None:
        return False
    taken = {place for each in column_members(thing, path, source_of(thing, path)) for place in each.columns.tolist()}
    return len(taken) < len(feature_names(thing))


def from_frame(members: list[tuple[str, Any]]) -> FromFrame:
    """Return the step of transformers in a row. Raises UnsupportedModelError for what a FeatureSpace cannot express."""
    path, first = next((path, member) for path, member in members if not is_passed(member))
    names = feature_names(first)
    source = source_of(first, path)
    attribute(first, source, "n_features_in_")  # a ValueError if it is not fitted
    if names is None:
        raise UnsupportedModelError(
            f"{source} encodes columns, which a FeatureSpace takes by name, and was fitted without names; fit it on a "
            "frame, such as pandas.DataFrame(x, columns=names)"
        )
    with refusing(f"{source}: expected feature_names_in_ to be strings; received {names!r:.100}", TypeError):
        every = tuple(map(str, names))
    front = Front(source, [Raw(name) for name in every])
    for path, member in members:
        front = _behind(front, member, path)
    return FromFrame(source, front, every)


def _behind(front: Front, thing: Any, path: str) -> Front:
    """Return the front with a transformer behind it."""
    source, kind = source_of(thing, path), own_name(thing, "sklearn")
    if is_passed(thing):
        return front
    if kind == "Pipeline":
        for name, member in pipeline(thing, path):
            front = _behind(front, member, name)
        return front
    if not front.has_columns_alone:
        if takes_frame(thing):
            raise UnsupportedModelError(
                f"{source} stands behind {front.source}, whose numbers depend on several columns, where a FeatureSpace "
                "fills and encodes the columns of the frame; put it first"
            )
        return replace(front, steps=[*front.steps, *transformed(thing, path)])
    columns = front.columns
    width = attribute(thing, source, "n_features_in_")
    if width != len(columns):
        raise ModelFormatError(f"{source} has {width} inputs; expected {len(columns)}, the outputs of the step before")
    match kind:
        case str() if kind in ENCODERS:
            return Front(source, encode(thing, kind, source, columns))
        case str() if kind in SELECTORS:
            return Front(source, [columns[place] for place in selection(thing, source).index])
        case "ColumnTransformer":
            return _side_by_side(source, columns, column_members(thing, path, source))
        case "FeatureUnion":
            return _side_by_side(source, columns, union_members(thing, path, source, np.arange(len(columns))))
    steps = transformed(thing, path)
    if all(isinstance(step, (Scale, Nothing)) for step in steps):
        return _scaled(front, steps)
    return Front(source, columns, steps=steps)


def _scaled(front: Front, steps: list[Step]) -> Front:
    columns = front.columns
    for step in steps:
        if step.inputs not in (None, len(columns)):
            raise ModelFormatError(
                f"{step.source} has {step.inputs} inputs; expected {len(columns)}, the outputs of the step before"
            )
        if isinstance(step, Scale):
            scale, shift = (np.broadcast_to(each, len(columns)).tolist() for each in (step.scale, step.shift))
            columns = [scaled(*each) for each in zip(columns, scale, shift, strict=True)]
    return replace(front, columns=columns)


def _side_by_side(source: str, columns: list[Column], members: list[Member]) -> Front:
    branches = []
    for path, member, index, weight in members:
        branch = _behind(Front(source, [columns[place] for place in index]), member, path)
        steps = weighted(source, weight)
        branch = _scaled(branch, steps) if branch.has_columns_alone else replace(branch, steps=[*branch.steps, *steps])
        if branch.columns or not branch.has_columns_alone:  # an encoder may drop all of its columns
            branches.append(branch)
    if all(branch.has_columns_alone for branch in branches):
        return Front(source, [column for branch in branches for column in branch.columns])
    return Front(source, branches=branches)
