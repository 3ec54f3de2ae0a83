"""scikit-learn's linear models as skl2onnx writes them: one Dense, with what makes probabilities of its sums."""

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.onnx.graph import Given, Node
from fastnn.importers.onnx.shapes import Rows
from fastnn.importers.steps import Function, Nothing, Product, Step


def regressor(node: Node, _: Given, rows: Rows) -> list[Step]:
    """Return the steps of a LinearRegressor."""
    if (transform := node.attributes["post_transform"]) != "NONE":
        raise UnsupportedModelError(f"{node} has the post_transform {transform!r:.40}; expected NONE")
    return [_product(node, rows, node.attributes["targets"])]


def classifier(node: Node, _: Given, rows: Rows) -> list[Step]:
    """Return the steps of a LinearClassifier's scores; each class has a row of coefficients, two may share one."""
    classes = len(classes_of(node) or [])
    intercepts, transform = len(node.attributes.get("intercepts", [])), node.attributes["post_transform"]
    product = _product(node, rows, classes if intercepts in (0, classes) else intercepts)
    kernel, bias = product.kernel, product.bias
    is_pair = kernel.shape[1] == 1 or (kernel.shape[1] == 2 and (kernel[:, 0] == -kernel[:, 1]).all())
    is_pair = is_pair and (bias is None or len(bias) == 1 or bias[0] == -bias[1])
    if transform == "LOGISTIC" and classes == 2 and is_pair:  # [1 - p, p] for p = sigmoid(x) is softmax([0, x])
        pair = np.pad(kernel[:, -1:], ((0, 0), (1, 0)))
        product = Product(product.source, pair, None if bias is None else np.pad(bias[-1:], (1, 0)))
        rows.set_units(2)
        return [product, Function(product.source, "softmax")]
    known = {"NONE": "linear", "SOFTMAX": "softmax", "LOGISTIC": "sigmoid"}
    if transform not in known or kernel.shape[1] != classes or classes < 2:
        raise UnsupportedModelError(
            f"{node} has the post_transform {transform!r:.40} and {kernel.shape[1]} rows of coefficients for {classes} "
            "classes; expected NONE, SOFTMAX or LOGISTIC, and as many rows as classes"
        )
    return [product, Function(product.source, known[transform])]


def normalizer(node: Node, _: Given, rows: Rows) -> list[Step]:
    """Return the step of a Normalizer after a softmax, whose sum is 1 already."""
    if node.attributes["norm"] != "L1" or not rows.are_probabilities:
        raise UnsupportedModelError(
            f"{node} divides each row by its own length, which fastnn has no layer for; expected probabilities that "
            "have the sum 1 already: normalize the rows before predict, or train without it"
        )
    return [Nothing(str(node))]


def classes_of(node: Node) -> list[int] | list[str] | None:
    """Return the labels of a LinearClassifier."""
    return node.attributes.get("classlabels_ints") or node.attributes.get("classlabels_strings")


def _product(node: Node, rows: Rows, units: int) -> Product:
    dtype = np.float64 if rows.is_double else np.float32
    coefficients, bias = (np.asarray(node.attributes.get(name, []), dtype) for name in ("coefficients", "intercepts"))
    if units < 1 or not coefficients.size or coefficients.size % units or bias.size not in (0, units):
        raise ModelFormatError(
            f"{node} has {coefficients.size} coefficients and {bias.size} intercepts for {units} outputs; "
            "expected as many coefficients for each output, and an intercept"
        )
    kernel = rows.multiply(node, coefficients.reshape(units, -1).T, is_left=False)
    return Product(str(node), kernel, bias if bias.size else None)
