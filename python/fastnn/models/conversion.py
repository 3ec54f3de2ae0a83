"""What an importer did, and how far the answers of its model are from those of the source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """How far the answers of a model are from the answers of its source: ``model.conversion.difference``.

    rows: the number of rows that were compared.
    ulps: the largest difference in ulps, whose size docs/numerics.md defines.
    absolute: the largest absolute difference.
    dtype: whose ulps; "float64" if both the model and the source answer in it, else "float32".

    >>> print(Difference(rows=300, ulps=1.5, absolute=2e-7))
    largest difference over 300 rows: 1.5 ulp of float32, 2e-07 absolute
    """

    rows: int
    ulps: float
    absolute: float
    dtype: str = "float32"

    def __str__(self) -> str:
        ulps = f"{self.ulps:.3g} ulp of {self.dtype}"
        return f"largest difference over {self.rows} rows: {ulps}, {self.absolute:.3g} absolute"


@dataclass(frozen=True)
class Verification:
    """The verification of an imported model: ``model.conversion.verification``.

    reference: what answered the rows for the source, such as "onnx's reference evaluator".
    rows: the number of rows to which the model gives the same answers, but for rounding.
    reason: None, or why no rows were compared.

    >>> print(Verification("scikit-learn", rows=37))
    verified on 37 rows by scikit-learn
    """

    reference: str
    rows: int = 0
    reason: str | None = None

    def __str__(self) -> str:
        if self.reason is not None:
            return f"not verified: {self.reason}"
        return f"verified on {self.rows} rows by {self.reference}"


@dataclass(frozen=True)
class Conversion:
    """The report of a conversion, ``model.conversion``: what became of each layer, node or module of the source.

    source: the kind and name of the source. steps: pairs of a part of the source and what became of it.
    difference: a Difference, or None without ``check=``. verification: a Verification, or None with ``verify=False``.

    >>> weights = {"0.weight": np.ones((3, 2)), "0.bias": np.zeros(3)}
    >>> model = fastnn.from_torch_state_dict(weights, ["relu"], check=([[1, 2]], [[3, 3, 3]]))
    >>> print(model.conversion)
    state dict
      module '0' -> layer 0: Dense
      module '0' -> activation relu of layer 0
    verified on 37 rows by the layers' formulas in NumPy
    largest difference over 1 rows: 0 ulp of float64, 0 absolute
    """

    source: str
    steps: list[tuple[str, str]]
    difference: Difference | None = None
    verification: Verification | None = None

    def __str__(self) -> str:
        width = max((len(source) for source, _ in self.steps), default=0)
        lines = [self.source, *(f"  {source:<{width}} -> {what}" for source, what in self.steps)]
        return "\n".join([*lines, *(str(each) for each in (self.verification, self.difference) if each is not None)])
