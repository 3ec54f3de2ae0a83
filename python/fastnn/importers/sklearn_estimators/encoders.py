"""What fills gaps and encodes categories: SimpleImputer, MissingIndicator, OneHotEncoder, OrdinalEncoder."""

from typing import Any

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.refusals import refusing
from fastnn.importers.sklearn_estimators.attributes import attribute
from fastnn.importers.sklearn_estimators.frame_columns import (
    REFUSED,
    Category,
    Column,
    Raw,
    encoded,
    imputed,
    indicator,
    is_gap,
    refuse_gap_that_stays,
)

ENCODERS = ("MissingIndicator", "OneHotEncoder", "OrdinalEncoder", "SimpleImputer")


def encode(thing: Any, kind: str, source: str, columns: list[Column]) -> list[Column]:
    """Return the columns that one of ENCODERS makes. Raises UnsupportedModelError, ModelFormatError."""
    with refusing(
        f"{source}: expected attributes as scikit-learn sets them", AttributeError, LookupError, TypeError, ValueError
    ):
        match kind:
            case "SimpleImputer":
                return _filled(thing, source, columns)
            case "MissingIndicator":
                _gap_value(thing, source)
                return _indicators(thing, source, columns)
        return _codes(thing, kind, source, columns)


def _gap_value(thing: Any, source: str) -> Any:
    value = attribute(thing, source, "missing_values")
    if not is_gap(value):
        raise UnsupportedModelError(
            f"{source} has missing_values={value!r:.60}; expected NaN, None or pandas.NA, which are the gaps of a "
            "FeatureSpace: replace other values in the frame first"
        )
    return value


def _filled(thing: Any, source: str, columns: list[Column]) -> list[Column]:
    value, statistics = _gap_value(thing, source), _as_list(attribute(thing, source, "statistics_"))
    if len(statistics) != len(columns):
        raise ModelFormatError(f"{source}: expected {len(columns)} statistics_; received {len(statistics)}")
    filled = [
        imputed(column, fill, value, source)
        for column, fill in zip(columns, statistics, strict=True)
        if not is_gap(fill)  # scikit-learn drops columns of gaps alone
    ]
    own = getattr(thing, "indicator_", None)
    return filled if own is None else [*filled, *_indicators(own, source, columns)]


def _indicators(thing: Any, source: str, columns: list[Column]) -> list[Column]:
    return [indicator(columns[place]) for place in _as_list(attribute(thing, source, "features_"))]


def _codes(thing: Any, kind: str, source: str, columns: list[Column]) -> list[Column]:
    found, categories = list[Column](), attribute(thing, source, "categories_")
    if not isinstance(categories, list) or len(categories) != len(columns):
        raise ModelFormatError(f"{source}: expected categories_ to be a list of {len(columns)} arrays")
    infrequent = getattr(thing, "infrequent_categories_", None) or [None] * len(columns)
    for place, (column, known) in enumerate(zip(columns, map(_as_list, categories), strict=True)):
        gaps = [each for each in known if is_gap(each)]
        if len(gaps) > 1:
            raise UnsupportedModelError(
                f"{source} has the categories {gaps} of column {column.name!r:.60}, which are one gap in a "
                "FeatureSpace; replace None by NaN in the frame first"
            )
        if gaps and isinstance(column, Raw) and column.fill is not None:
            refuse_gap_that_stays(column, gaps[0], source)
        rare = [] if infrequent[place] is None else _as_list(infrequent[place])
        gap_value = gaps[0] if gaps else np.nan
        if kind == "OneHotEncoder":
            found += _one_hot(thing, source, place, column, known, rare, gap_value)
        else:
            found.append(_ordinal(thing, source, column, known, rare, gap_value))
    return found


def _places(known: list[Any], rare: list[Any]) -> dict[Any, int]:
    """Return the place of each category behind the frequent ones; those that are rare share the last place.

    The key of a gap is None.
    """
    keys = [None if is_gap(each) else each for each in known]
    grouped = {None if is_gap(each) else each for each in rare}
    frequent = {each: place for place, each in enumerate(each for each in keys if each not in grouped)}
    return {each: frequent.get(each, len(frequent)) for each in keys}


def _one_hot(
    thing: Any, source: str, place: int, column: Column, known: list[Any], rare: list[Any], gap_value: Any
) -> list[Category]:
    places = _places(known, rare)
    slots = sorted(set(places.values()))  # of columns
    dropped = attribute(thing, source, "drop_idx_")
    if dropped is not None and dropped[place] is not None:
        slots.remove(list(places.values())[int(dropped[place])])
    handling = attribute(thing, source, "handle_unknown")
    if handling not in ("error", "ignore", "infrequent_if_exist", "warn"):
        raise UnsupportedModelError(f"{source} has handle_unknown={handling!r:.60}; expected error or ignore")
    other = max(places.values()) if rare and handling in ("infrequent_if_exist", "warn") else None
    shared = {value: at for value, at in places.items() if value is not None}
    ones: dict[int, dict[Any, float]] = {slot: {} for slot in places.values()}
    for value, at in shared.items():
        ones[at][value] = 1.0
    made = []
    for slot in slots:
        unknown = REFUSED if handling == "error" else float(other == slot)
        gap = float(places[None] == slot) if None in places else unknown
        made.append(encoded(column, Category(column.name, ones[slot], 0.0, shared, unknown, gap, gap_value)))
    return made


def _ordinal(thing: Any, source: str, column: Column, known: list[Any], rare: list[Any], gap_value: Any) -> Category:
    unknown: Any = REFUSED
    handling = attribute(thing, source, "handle_unknown")
    if handling == "use_encoded_value":
        unknown = float(attribute(thing, source, "unknown_value"))
    elif handling != "error":
        raise UnsupportedModelError(f"{source} has handle_unknown={handling!r:.60}; expected error or a value")
    present = [each for each in known if not is_gap(each)]
    places = _places(known if gap_value is None else present, rare)
    gap = unknown
    if gap_value is None:  # has the code of its place, as other categories have; NaN has a code of its own
        gap = float(places.pop(None))
    elif len(present) < len(known):
        gap = float(getattr(thing, "encoded_missing_value", np.nan))
    codes = {value: float(place) for value, place in places.items()}
    return encoded(column, Category(column.name, codes, 0.0, places, unknown, gap, gap_value))


def _as_list(values: Any) -> list[Any]:
    """Return the elements of an array as Python's own objects."""
    return list(np.asarray(values).tolist())
