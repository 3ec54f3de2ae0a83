"""What to do about an operation that fastnn has not: the end of its refusal."""

_ELSEWHERE = "run this model with ONNX Runtime, or export its dense layers alone"
DECISIONS = "fastnn decides nothing by the values of a row; export the part without the decision"
_ADVICE = {
    f"fastnn has no recurrent layers; {_ELSEWHERE}": {"LSTM", "GRU", "RNN"},
    f"fastnn has no convolutions or pooling; {_ELSEWHERE}": {
        *("Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "DeformConv"),
        *("MaxPool", "AveragePool", "LpPool", "GlobalMaxPool", "GlobalAveragePool"),
    },
    "class numbers are no layer: return the scores, and take the classes from model.predict_classes(x)": {
        *("ArgMax", "ArgMin", "TopK", "Hardmax"),
    },
    DECISIONS: {
        *("If", "Loop", "Scan", "Where", "And", "Or", "Not", "Xor", "Equal"),
        *("Greater", "GreaterOrEqual", "Less", "LessOrEqual"),
    },
    "fastnn computes in floats; export the model before its quantization": {
        *("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "QLinearMatMul"),
    },
    "fastnn's answers are the same for the same row; export the model without random numbers": {
        *("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"),
    },
    "this is no neural network; run it with ONNX Runtime": {
        *(f"ai.onnx.ml.{kind}{task}" for kind in ("SVM", "TreeEnsemble") for task in ("Classifier", "Regressor")),
        "ai.onnx.ml.TreeEnsemble",
    },
}
BRANCHES = (
    "fastnn runs layers in a row, without residual connections or concatenation: "
    "run this model with ONNX Runtime, or export a part that is a row of layers"
)


def for_operations(ops: set[str]) -> str:
    """Return the advice for the operations that were not understood."""
    known = (advice for advice, named in _ADVICE.items() if named & ops)
    return next(known, "expected a dense network: Gemm or MatMul, activations, normalization; " + _ELSEWHERE)
