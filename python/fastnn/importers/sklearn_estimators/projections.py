"""Linear projections: (x - mean) @ components, of decompositions, random projections and discriminants."""

from typing import Any

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.sklearn_estimators.attributes import attribute, numbers_of
from fastnn.importers.steps import Product, Scale, Step

PROJECTIONS = (
    "CCA", "FactorAnalysis", "FastICA", "GaussianRandomProjection", "IncrementalPCA", "LinearDiscriminantAnalysis",
    "NeighborhoodComponentsAnalysis", "PCA", "PLSCanonical", "PLSRegression", "PLSSVD", "SparseRandomProjection",
    "TruncatedSVD",
)  # fmt: skip


def projection(thing: Any, kind: str, source: str) -> list[Step]:
    """Return the steps of one of PROJECTIONS."""
    match kind:
        case "CCA" | "PLSCanonical" | "PLSRegression" | "PLSSVD":
            kernel = numbers_of(thing, source, "x_weights_" if kind == "PLSSVD" else "x_rotations_", 2)
            spread = numbers_of(thing, source, "_x_std", 1).astype(np.float64)
            mean = numbers_of(thing, source, "_x_mean", 1)
            return [_minus(mean, source), _over(spread, source), Product(source, kernel, is_preparation=True)]
        case "LinearDiscriminantAnalysis":
            return _discriminants(thing, source)
    kernel = numbers_of(thing, source, "components_", 2).T
    has_mean = kind in ("PCA", "IncrementalPCA", "FactorAnalysis")
    has_mean = has_mean or (kind == "FastICA" and bool(attribute(thing, source, "whiten")))
    steps: list[Step] = [_minus(numbers_of(thing, source, "mean_", 1), source)] if has_mean else []
    if kind == "FactorAnalysis":
        noise = numbers_of(thing, source, "noise_variance_", 1)
        if len(noise) != len(kernel):
            raise ModelFormatError(f"{source}: expected {len(kernel)} noise_variance_; received {len(noise)}")
        weighted = kernel / noise[:, None]
        kernel = weighted @ np.linalg.inv(np.eye(kernel.shape[1]) + weighted.T @ kernel)
    steps.append(Product(source, kernel, is_preparation=True))
    if kind in ("PCA", "IncrementalPCA") and attribute(thing, source, "whiten"):
        spread = np.sqrt(numbers_of(thing, source, "explained_variance_", 1))
        if len(spread) != kernel.shape[1]:
            raise ModelFormatError(f"{source}: expected {kernel.shape[1]} explained_variance_; received {len(spread)}")
        steps.append(_over(np.maximum(spread, np.finfo(spread.dtype).eps), source))
    return steps


def _discriminants(thing: Any, source: str) -> list[Step]:
    solver = attribute(thing, source, "solver")
    if solver not in ("svd", "eigen"):
        raise UnsupportedModelError(f"{source} has the solver {solver!r:.60}, which transforms no rows; expected svd")
    kernel = numbers_of(thing, source, "scalings_", 2)[:, : attribute(thing, source, "_max_components")]
    mean = [_minus(numbers_of(thing, source, "xbar_", 1), source)] if solver == "svd" else []
    return [*mean, Product(source, kernel, is_preparation=True)]


def _minus(mean: Array, source: str) -> Step:
    return Scale(source, np.ones(len(mean)), -mean.astype(np.float64))


def _over(spread: Array, source: str) -> Step:
    return Scale(source, 1 / spread.astype(np.float64), np.zeros(()))
