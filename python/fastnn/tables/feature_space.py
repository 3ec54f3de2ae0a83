"""FeatureSpace: what turns a table of numbers, text and gaps into the inputs of a model, with Keras' names."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np

from fastnn.arguments import finite
from fastnn.arrays import Array
from fastnn.strict import Strict
from fastnn.tables import categorical, numeric
from fastnn.tables.categorical import Categorical
from fastnn.tables.columns import chosen_columns, listed
from fastnn.tables.inference import kind_of
from fastnn.tables.numeric import Numeric
from fastnn.text import did_you_mean, is_text

_KINDS = (*numeric.KINDS, *categorical.KINDS)
_RESCALED = {"scale": 1.0, "offset": 0.0}  # Keras' defaults


class FeatureSpace(Strict):
    """Turns the columns of a table into rows of numbers, after adapt() has learned from the training rows.

    features: {name of a column: type}. The types, with Keras' names but for the two last ones:
        "float": the number. "float_normalized": (x - mean) / standard deviation of the training rows.
        "float_rescaled": x * scale + offset, see float_rescaled().
        "string_categorical", "integer_categorical": a 1 in the column of the value. The first column is for values that
            the training rows did not have. The others are sorted by value.
        "float_robust": z / sqrt(1 + (z / 3)**2), z = (x - median) / (75th - 25th percentile): outliers stay within 3.
        "boolean": 0 or 1.
    Gaps are None, NaN, NA, and the text "", "NA", "NaN", "null". A number's gap becomes the mean of the training rows
    (float_robust: the median); if these have gaps, a further column is 1 for a gap. A gap is a category of its own if
    the training rows have some, else an unknown value.

    A table is a dict of columns, a frame of pandas, polars or pyarrow, a structured array or a list of dicts. Columns
    are taken by name; others are ignored.
    Raises ValueError for an unknown type, and for names that are not strings.

    >>> from fastnn import FeatureSpace
    >>> table = {"age": [20, 40, None], "city": ["Rome", "Oslo", "Rome"]}
    >>> space = FeatureSpace({"age": "float", "city": "string_categorical"}).adapt(table)
    >>> space.columns
    ['age', 'age (missing)', 'city (unknown)', 'city=Oslo', 'city=Rome']
    >>> space({"age": [None, 30], "city": ["Rome", "Paris"]})
    array([[30.,  1.,  0.,  0.,  1.],
           [30.,  0.,  1.,  0.,  0.]], dtype=float32)
    >>> model = Sequential([space, Dense(1)])
    >>> model.predict(table).shape
    (3, 1)
    """

    def __init__(self, features: Mapping[str, Any]) -> None:
        if not isinstance(features, Mapping) or not features:
            raise ValueError(f"expected features to be a dict {{name: type}}; received {features!r:.100}")
        self.features = {_name(name): _checked(name, given) for name, given in features.items()}
        self._adapted: tuple[Numeric | Categorical, ...] | None = None
        self._dtype = "float32"

    @classmethod
    def float_rescaled(cls, scale: float = 1.0, offset: float = 0.0) -> dict[str, Any]:
        """Return the type of a column that becomes x * scale + offset.

        >>> from fastnn import FeatureSpace
        >>> space = FeatureSpace({"pixel": FeatureSpace.float_rescaled(scale=1 / 255)})
        >>> space.adapt({"pixel": [0, 255]})({"pixel": [51]})
        array([[0.2]], dtype=float32)
        """
        return {"type": "float_rescaled", "scale": finite("scale", scale), "offset": finite("offset", offset)}

    @classmethod
    def infer(cls, table: Any, types: Mapping[str, Any] | None = None, drop: Iterable[str] = ()) -> Self:
        """Return a space of all columns of a table, not yet adapted; their values decide the types.

        Numbers are "float_normalized", booleans "boolean". Text is "string_categorical" if it has at most 100 different
        values, and at most half as many as there are rows.
        types: {name: type} for columns whose values do not decide. drop: names of columns to leave out.
        Raises ValueError or TypeError for columns whose type cannot be inferred: identifiers of text, numbers as text,
        dates, mixed values, only gaps.

        >>> from fastnn import FeatureSpace
        >>> table = {"age": [20, 40], "city": ["Rome", "Rome"], "zip": [1010, 4020], "id": ["x7", "y9"]}
        >>> FeatureSpace.infer(table, types={"zip": "integer_categorical"}, drop=["id"]).features
        {'age': 'float_normalized', 'city': 'string_categorical', 'zip': 'integer_categorical'}
        """
        columns, rows = chosen_columns(table)
        given = dict(types or {})
        if isinstance(drop, str):
            raise ValueError(f"expected drop to be a list of names; received {drop!r}: write [{drop!r}]")
        dropped = list(drop)
        for name in (*given, *dropped):
            if name not in columns:
                advice = did_you_mean(name, columns)
                raise ValueError(f"expected types and drop to name columns of the table; received {name!r:.60}{advice}")
        if not rows:
            raise ValueError("expected a table of at least 1 row; received 0 rows")
        features = {
            name: given[name] if name in given else kind_of(column, name, rows)
            for name, column in columns.items()
            if name not in dropped
        }
        return cls(features)

    def adapt(self, table: Any) -> Self:
        """Learn means, values and gaps from the training rows; return the space.

        A model that has the space already does not change.
        Raises ValueError for a missing column and columns without a value, TypeError for values of another type.

        >>> from fastnn import FeatureSpace
        >>> FeatureSpace({"age": "float_normalized"}).adapt({"age": [1, 3]})({"age": [1, 2]}).tolist()
        [[-1.0], [0.0]]
        """
        columns, rows = chosen_columns(table, self.features)
        if not rows:
            raise ValueError("expected a table of at least 1 row; received 0 rows")
        adapted: list[Numeric | Categorical] = []
        for name, column in columns.items():
            kind, settings = _kind_and_settings(self.features[name])
            made = Numeric if kind in numeric.KINDS else Categorical
            adapted.append(made.adapted(name, kind, settings, column))
        self._adopt(adapted)
        return self

    def _adopt(self, adapted: list[Numeric | Categorical]) -> None:
        names = [name for each in adapted for name in each.columns]
        if len(set(names)) < len(names):
            twice = next(name for place, name in enumerate(names) if name in names[:place])
            raise ValueError(f"expected columns of different names; received {twice!r:.100} twice: rename one")
        self._adapted = tuple(adapted)

    def __call__(self, table: Any) -> Array:
        """Return the rows of a table as numbers (rows, width), float32.

        A value that the training rows did not have is no error, unless the space stands for an encoder of scikit-learn
        that refuses it: then a ValueError. Raises ValueError for a missing column and before adapt(), TypeError for
        values of another type.
        """
        adapted = self._known()
        columns, rows = chosen_columns(table, self.features)
        x = np.zeros((rows, self.width), self._dtype)
        place = 0
        with np.errstate(over="ignore", invalid="ignore"):
            for each in adapted:
                each.encode(columns[each.name], x[:, place : place + each.width])
                place += each.width
        return x

    @property
    def width(self) -> int:
        """The number of columns of numbers. Raises ValueError before adapt().

        >>> from fastnn import FeatureSpace
        >>> FeatureSpace({"city": "string_categorical"}).adapt({"city": ["Rome", "Oslo"]}).width
        3
        """
        return sum(each.width for each in self._known())

    @property
    def columns(self) -> list[str]:
        """The names of the columns of numbers. Raises ValueError before adapt().

        >>> from fastnn import FeatureSpace
        >>> FeatureSpace({"city": "string_categorical"}).adapt({"city": ["Rome", None]}).columns
        ['city (unknown)', 'city=Rome', 'city (missing)']
        """
        return [name for each in self._known() for name in each.columns]

    @property
    def adapted(self) -> bool:
        """Whether adapt() was called.

        >>> from fastnn import FeatureSpace
        >>> FeatureSpace({"age": "float"}).adapted
        False
        """
        return self._adapted is not None

    def _known(self) -> tuple[Numeric | Categorical, ...]:
        if self._adapted is None:
            raise ValueError("expected a FeatureSpace that knows the training rows; call space.adapt(table) first")
        return self._adapted

    def _of_model(self, dtype: str) -> Self:
        """Return a copy, adapted, that a model may keep: later changes of this one do not reach it."""
        self._known()
        made = copy.copy(self)
        made._dtype = dtype
        return made

    def get_config(self) -> dict[str, Any]:
        """Return the features, and after adapt() what was learned of each column, in JSON's types.

        >>> from fastnn import FeatureSpace
        >>> FeatureSpace({"city": "string_categorical"}).adapt({"city": ["Rome"]}).get_config()["columns"]
        [{'name': 'city', 'type': 'string_categorical', 'values': ['Rome'], 'gap': False}]
        """
        config: dict[str, Any] = {"features": copy.deepcopy(self.features)}
        if self._adapted is not None:
            config["columns"] = [each.get_config() for each in self._adapted]
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Return the space of get_config(), adapted if it was. Raises ValueError for another config.

        >>> from fastnn import FeatureSpace
        >>> space = FeatureSpace({"age": "float"}).adapt({"age": [1, None]})
        >>> FeatureSpace.from_config(space.get_config()).columns
        ['age', 'age (missing)']
        """
        if not isinstance(config, Mapping) or "features" not in config or set(config) - {"features", "columns"}:
            raise ValueError(f"expected a config with features and optionally columns; received {config!r:.100}")
        if "columns" not in config:
            return cls(config["features"])
        made = cls._of_columns(config["columns"])
        if made.features != cls(config["features"]).features:
            raise ValueError(f"expected columns of the features; received the features {config['features']!r:.200}")
        return made

    @classmethod
    def _of_columns(cls, columns: Any) -> Self:
        """Return the adapted space of the columns that a config or a model file has."""
        if not isinstance(columns, list) or not columns:
            raise ValueError(f"expected columns to be a list of at least 1 column; received {columns!r:.100}")
        adapted: list[Numeric | Categorical] = []
        for each in columns:
            kind = each.get("type") if isinstance(each, Mapping) else None
            if not isinstance(kind, str) or kind not in _KINDS or "name" not in each:
                raise ValueError(
                    f"expected each column to have a name and a type among {', '.join(_KINDS)}; received {each!r:.100}"
                )
            made = Numeric if kind in numeric.KINDS else Categorical
            adapted.append(made.from_config(each))
        names = [each.name for each in adapted]
        features = {each.name: _feature(each) for each in adapted}
        space = cls(features)
        if len(features) < len(names):
            raise ValueError(f"expected columns of different names; received {listed(names)}")
        space._adopt(adapted)
        return space

    def __repr__(self) -> str:
        width = f", width={self.width}" if self.adapted else ""
        return f"<FeatureSpace features={listed(list(self.features))}{width}>"


def _feature(column: Numeric | Categorical) -> Any:
    return {"type": column.kind, **column.settings} if column.kind == "float_rescaled" else column.kind  # type: ignore[union-attr]


def _name(name: Any) -> str:
    if isinstance(name, str) and is_text(name):
        return str(name)
    raise ValueError(
        f"expected names of columns to be strings of Unicode characters but NUL; received {ascii(name)[:60]}"
    )


def _checked(name: str, given: Any) -> Any:
    """Return the type of a column as `features` has it."""
    kind = given.get("type") if isinstance(given, Mapping) else given
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(
            f"expected the type of column {name!r:.60} to be one of {', '.join(_KINDS)}; "
            f"received {given!r:.60}{did_you_mean(kind, _KINDS)}"
        )
    if not isinstance(given, Mapping):
        return {"type": kind, **_RESCALED} if kind == "float_rescaled" else kind
    if kind != "float_rescaled" or set(given) - {"type", *_RESCALED}:
        raise ValueError(
            f"expected the type of column {name!r:.60} as FeatureSpace.float_rescaled() returns it, or a "
            f"name; received {given!r:.100}"
        )
    return FeatureSpace.float_rescaled(**{key: value for key, value in given.items() if key != "type"})


def _kind_and_settings(given: Any) -> tuple[str, dict[str, float]]:
    if isinstance(given, str):
        return given, {}
    return given["type"], {key: value for key, value in given.items() if key != "type"}
