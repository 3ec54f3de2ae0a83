"""Sequential, the model: layers in a row that predict, with Keras' names and behaviour."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn import _core
from fastnn.arguments import positive_integer
from fastnn.arrays import Array
from fastnn.exporters import header, onnx
from fastnn.floating_point import default_mode
from fastnn.layers.named import Flatten
from fastnn.locks import changes
from fastnn.models.classes import are_classes, check_count, chosen, refuse_nan
from fastnn.models.frames import as_numbers, checked_names
from fastnn.models.progress import write_line
from fastnn.models.summary import summary_lines
from fastnn.models.training import Trained

NETWORKS: dict[str, Any] = {"float32": _core.Network32, "float64": _core.Network64}


class Sequential(Trained):
    """Layers in a row: each takes the outputs of the one before.

    layers: a list of layers of fastnn.layers, optionally after an Input, or after a FeatureSpace that takes tables of
        numbers and text; or one layer. add() appends more.
    name: default "sequential", then "sequential_1", ….
    dtype: "float32" (default) or "float64", the type of weights, arithmetic and outputs.
    Raises TypeError for other objects than layers; ValueError for an unknown dtype and for layers that do not fit.

    New models have random weights; compile() and fit() train them. The first rows decide the number of inputs if
    nothing declares it. ``model.conversion`` is the report of an importer, else None.

    The bits of a row's answer depend on the model and that row alone (docs/numerics.md). Thread-safe. Calls longer than
    about 10 µs release the GIL.

    >>> from fastnn.layers import Dense, Input
    >>> from fastnn.models import Sequential
    >>> model = Sequential([Input((4,)), Dense(3, activation="relu"), Dense(2, activation="softmax")])
    >>> model.predict([[1, 2, 3, 4]]).shape
    (1, 2)
    """

    # The network of the current weights; None until it is needed. Python reads a slot faster than __dict__.
    __slots__ = ("_network",)
    _quick = frozenset(("predict",))
    _never_called = ("call", "train_step", "test_step", "predict_step", "compute_loss", "compute_metrics")
    _instead_of_a_method = "give compile() a loss or a metric of your own, or train by train_on_batch()"
    _network: _core.Network32 | _core.Network64 | None

    def _drop_network(self) -> None:
        """Forget the network after a change of layers or weights; the next call builds another."""
        self._network = None

    def predict(
        self,
        x: npt.ArrayLike,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: None = None,
        callbacks: None = None,
        out: Array | None = None,  # no "*" before it: Python calls functions without keyword-only arguments faster
    ) -> Array:
        """Return the outputs (..., units) for the rows x (..., inputs), in the model's dtype; a 1-D x is one row.

        x: anything that np.asarray turns into real numbers, of any dtype and memory layout, or a frame whose columns
           are numbers; NA is NaN. A model with `feature_names` takes named columns by name. With a FeatureSpace, x is a
           table, or an array of rows that the space has encoded. Another dtype than the model's is converted once. x is
           never modified. NaN in a row stays in that row's answer.
        out: an array for the result, of exactly its shape and dtype, C-contiguous; it is returned. It may overlap x.
        batch_size, verbose: accepted for programs written for Keras; answers and speed do not depend on them.
        steps, callbacks: only None, as by default: all rows are predicted at once.
        Raises ValueError (shapes, values), TypeError (dtypes).

        >>> model = Sequential([Dense(1, input_shape=(2,))])
        >>> model.set_weights([[[2], [3]], [10]])
        >>> model.predict([[1, 1], [0, 0]])
        array([[15.],
               [10.]], dtype=float32)
        >>> model.predict([1, 1], out=np.empty(1, "float32"))
        array([15.], dtype=float32)
        """
        if batch_size is not None:
            positive_integer("batch_size", batch_size)
        if steps is not None or callbacks is not None:
            raise ValueError(
                "expected steps=None and callbacks=None, since all rows of x are predicted at once; "
                f"received steps={steps!r}, callbacks={callbacks!r}"
            )
        network = self._network
        if network is None:
            network = self._built_network(x)
        return network.predict(x, out)

    def __call__(self, x: npt.ArrayLike, training: bool | None = None) -> Array:
        """Return predict(x).

        training: None or False, as in Keras; ValueError for True, since only fit() trains; TypeError for others.
        """
        if training is not None and training is not False:
            raise (ValueError if training is True else TypeError)(
                "expected training to be None or False, since a call predicts: no Dropout drops units, as in fit(); "
                f"received training={training!r:.60}"
            )
        network = self._network
        if network is None or type(self) is not Sequential:  # a subclass may have a predict of its own
            return self.predict(x)
        return network.predict(x, None)

    def predict_classes(self, x: npt.ArrayLike) -> Array:
        """Return the class of each row, (...,): its name if the model has `classes`, else its number from 0 (int64).

        The largest of several outputs decides. A single output, of sigmoid, hard_sigmoid or step, is the probability of
        the second class, which wins above 0.5.
        Several outputs of sigmoid are labels that a row may have together: the result is (..., units), 1 above 0.5,
        else 0.
        The dtype is object if the classes have several types or a class is longer than 256 letters.
        Raises ValueError for a single output of another activation, and for outputs with NaN; what predict() raises.

        >>> model = Sequential([Dense(2, "softmax", input_shape=(2,))])
        >>> model.set_weights([[[1, 0], [0, 1]], [0, 0]])
        >>> model.predict_classes([[2, 1], [1, 2]])
        array([0, 1])
        >>> model.classes = ["cat", "dog"]
        >>> model.predict_classes([[2, 1], [1, 2]]).tolist()
        ['cat', 'dog']
        """
        y = self.predict(x)
        refuse_nan(y)
        return self._labels(y)

    def _labels(self, y: Array) -> Array:
        units, last = y.shape[-1], self._layers[-1].activation
        if units > 1 and last == "sigmoid":
            return (y > 0.5).astype(np.int64)
        if not are_classes(units, last):
            raise ValueError(f"expected a model of classes: several outputs, or one of sigmoid; received one of {last}")
        index = chosen(y)
        classes = self._classes
        if classes is None:
            return index
        check_count(len(classes), units)  # layers may have been added since they were given
        named: Array = classes[index]
        return named

    def representations(self, x: npt.ArrayLike) -> list[Array]:
        """Return the outputs (..., units) of every layer for the rows x, as in predict(); the last is predict(x).

        >>> model = Sequential([Dense(3, "relu", input_shape=(2,)), Dense(1)])
        >>> [output.shape for output in model.representations(np.ones((5, 2)))]
        [(5, 3), (5, 1)]
        """
        network = self._network
        if network is None:
            network = self._built_network(x)
        return [*network.representations(x)]

    def _built_network(self, x: npt.ArrayLike | None = None) -> _core.Network32 | _core.Network64:
        """Build the network and the unbuilt layers. x decides the number of inputs if nothing declares it."""
        columns = None
        if self._inputs is None and x is not None:
            shape = as_numbers(x, self._columns).shape
            if len(shape) > 2 and self._layers and isinstance(self._layers[0], Flatten):
                raise ValueError(
                    "expected flat rows, since Flatten computes nothing here; "
                    f"received shape {shape}; use x.reshape(len(x), -1)"
                )
            if 0 in shape[-1:] or not shape:
                raise ValueError(f"expected rows of at least 1 number; received shape {shape}")
            columns = shape[-1]
        with changes:
            inputs = columns if self._inputs is None and columns is not None else self._known_inputs()
            states = self._states(inputs)
            if (names := self._feature_names) is not None:
                checked_names(names, inputs)  # layers may have been removed since they were given
            network: _core.Network32 | _core.Network64 = NETWORKS[self.dtype](
                inputs, self._descriptions(states), partial(as_numbers, inputs=self._columns)
            )
            self._adopt(states)
            self._network = network
        return network

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], object] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
    ) -> None:
        """Print a table of the layers, their output shapes and numbers of weights, as Keras does.

        line_length, positions, expand_nested: accepted for programs written for Keras; columns are as wide as needed.
        print_fn: called once with the whole text; the default is print.
        show_trainable: add a column with Y for trainable layers, N for frozen ones, - for layers without weights.

        >>> Sequential([Dense(3, input_shape=(2,), name="hidden")], name="small").summary()
        Model: "small"
        ┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
        ┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
        ┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
        │ hidden (Dense)                  │ (None, 3)              │             9 │
        └─────────────────────────────────┴────────────────────────┴───────────────┘
         Total params: 9 (36.00 B)
         Trainable params: 9 (36.00 B)
         Non-trainable params: 0 (0.00 B)
        """
        with changes:
            rows: list[tuple[str, ...]] = []
            known = self._inputs is not None
            for i, layer in enumerate(self._layers):
                shape = f"(None, {self._units_after(i + 1)})" if known else "?"
                count = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
                trained = ("Y" if layer.trainable else "N") if layer.weights or not layer.built else "-"
                extra = (trained,) if show_trainable else ()
                rows.append((f"{layer.name} ({type(layer).__name__})", shape, count, *extra))
            built = [layer for layer in self._layers if layer.built]
            params = sum(layer.count_params() for layer in built)
            not_trained = sum(array.size for layer in built for array in layer.non_trainable_weights)
        lines = summary_lines(self.name, rows, params, not_trained, np.dtype(self.dtype).itemsize)
        (print_fn or write_line)("\n".join(lines))

    def __repr__(self) -> str:
        return f"<Sequential name={self.name}, built={self.built}>"

    def fingerprint(self) -> str:
        """Return the SHA-256, in hex, of everything that decides the answers: numerics version, architecture, weights.

        Names and classes do not count (docs/model-format.md).
        Raises ValueError if the number of inputs is unknown.

        >>> len(Sequential([Dense(3, input_shape=(2,))]).fingerprint())
        64
        """
        network = self._network
        if network is None:
            network = self._built_network()
        return network.fingerprint()

    def __eq__(self, other: object) -> bool:
        """Whether both are built and predict() gives the same bits for every input, tables and frames too."""
        if not isinstance(other, Sequential):
            return NotImplemented
        if self is other:
            return True
        return (
            self.built and other.built and self._takes_columns_as(other) and self.fingerprint() == other.fingerprint()
        )

    __hash__ = None  # type: ignore[assignment]  # weights can change

    @default_mode()
    def export(self, filepath: str | os.PathLike[str], *, name: str | None = None) -> None:
        """Write the model for other programs: to an .onnx file, or to a C++17 header (.hpp or .h).

        .onnx: for ONNX Runtime and others; load_model() reads it too. It needs
            `pip install onnx`.
        .hpp, .h: one file without any library that computes the same bits (docs/header.md). It has `classes` and
            `feature_names`, if the model has them.
        name: the header's namespace; default the name of the file.
        A FeatureSpace is not exported: the file takes rows that it has encoded, and names their columns.
        Raises ValueError (another extension, unknown number of inputs, an invalid namespace), LimitError (a model too
        large for the format), OSError, ImportError (onnx is missing).

        >>> model = Sequential([Dense(3, input_shape=(2,))])
        >>> model.export("model.hpp", name="small")
        >>> with open("model.hpp") as header:
        ...     "namespace small" in header.read()
        True
        """
        path = os.fsdecode(filepath)
        if Path(path).suffix.lower() in header.SUFFIXES:
            with changes:
                model, fingerprint = self._describe(), self.fingerprint()
            header.export(model, fingerprint, path, name)
        elif name is not None:
            raise ValueError(f"expected name only with a filepath that ends in .hpp or .h; received filepath={path!r}")
        else:
            onnx.export(self._describe(), path)

    def __getstate__(self) -> dict[str, Any]:
        # Copies of the layers, all of one moment. A copied model shares no layer with its original.
        with changes:
            own = self._without_trainer()
            return self.__dict__ | own | {"_layers": [copy.copy(layer) for layer in self._layers]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._network = None
        for layer in self._layers:
            layer._used_by(self)
        if self.history is not None:
            self.history._model = self

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + sum(array.nbytes for layer in self._layers for array in layer.weights)
