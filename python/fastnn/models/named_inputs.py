"""What a model's inputs are called, and how tables become them."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from fastnn.locks import changes
from fastnn.models.frames import Inputs, checked_names
from fastnn.strict import Strict
from fastnn.tables.feature_space import FeatureSpace


class NamedInputs(Strict):
    """A number of inputs, and their names or a FeatureSpace. The base class of Stack."""

    dtype: str

    def __init__(self) -> None:
        self._inputs: int | None = None
        self._has_input = False  # an Input or a FeatureSpace in front of the layers
        self._feature_names: tuple[str, ...] | None = None
        self._space: FeatureSpace | None = None

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the inputs, a tuple in their order, or None (default).

        With names, the columns of frames are taken by name, in any order. A missing column is an error; others are
        ignored. Arrays are taken by position.
        Set it to different strings, one for each input; ValueError for others. Files keep the names; they do not
        change fingerprint(). fit() sets them from a frame whose labels are such strings; from_sklearn() sets those of
        an estimator that was fitted on a frame.

        >>> model = Sequential([Dense(2, input_shape=(2,))])
        >>> model.feature_names = ["age", "height"]
        >>> model.feature_names
        ('age', 'height')
        """
        return self._feature_names

    @feature_names.setter
    def feature_names(self, names: Iterable[str] | None) -> None:
        """Set the names of the inputs."""
        given = None if names is None else checked_names(names, self._inputs)
        if given is not None and self._space is not None:
            raise ValueError(
                "expected no feature_names for a model with a FeatureSpace, which has the names of the columns; "
                f"received {names!r:.100}"
            )
        with changes:
            self._feature_names = given
            self._drop_network()

    @property
    def feature_space(self) -> FeatureSpace | None:
        """A copy of the FeatureSpace in front of the layers; None without one. Files, copies and pickles keep it.

        It does not change fingerprint(), which is that of the layers.

        >>> from fastnn import FeatureSpace
        >>> space = FeatureSpace({"city": "string_categorical"}).adapt({"city": ["Rome", "Oslo"]})
        >>> Sequential([space, Dense(1)]).feature_space.columns
        ['city (unknown)', 'city=Oslo', 'city=Rome']
        """
        return copy.copy(self._space)

    def _take_space(self, space: FeatureSpace) -> int:
        """Let the model take tables; return the number of inputs that they become."""
        self._space, self._has_input = space._of_model(self.dtype), True
        return space.width

    @property
    def _columns(self) -> Inputs:
        """How frames become rows of numbers."""
        return self._feature_names if self._space is None else self._space

    def _takes_columns_as(self, other: NamedInputs) -> bool:
        """Whether both make the same rows of numbers of every table and frame."""
        spaces = [None if each is None else each.get_config() for each in (self._space, other._space)]
        return self._feature_names == other._feature_names and spaces[0] == spaces[1]

    def _drop_network(self) -> None:
        """Forget what was built from layers, weights or names that have changed since."""
