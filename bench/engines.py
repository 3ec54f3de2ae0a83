"""The engines that compare.py times: fastnn and its peers, each configured for speed as its own manual advises.

An adapter is a function make(weights, activation, x) that returns call(x) -> y. weights has one (kernel, bias) per
layer. activation is "relu", "tanh" or "sigmoid", for the hidden layers. x has the shape of every later call, for
engines that specialise on it. x and y are float32 NumPy arrays. Each engine may use one thread.

LiteRT converts only from TensorFlow, PyTorch and JAX, so its model is written directly with its flatbuffer schema.
"""

import os
import sys
import warnings
from importlib.metadata import PackageNotFoundError, version

if "numpy" in sys.modules:
    raise ImportError("expected engines to be imported before NumPy, whose threads it limits; import it first")
for _variable in ["OMP", "OPENBLAS", "MKL", "FASTNN"]:
    os.environ[f"{_variable}_NUM_THREADS"] = "1"
for _variable in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]:
    os.environ.pop(_variable, None)  # NumPy's library chooses its kernels by the CPU
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ |= {"NPROC": "1", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}  # NPROC: threads of JAX's pools

import numpy as np  # noqa: E402


def fastnn(weights, activation, x):
    from fastnn.layers import Dense, Input
    from fastnn.models import Sequential

    model = Sequential([Input((x.shape[1],))], dtype=x.dtype.name)
    for i, (kernel, bias) in enumerate(weights, 1):
        layer = Dense(bias.size, activation if i < len(weights) else "linear")
        model.add(layer)
        layer.set_weights([kernel, bias])
    return model.predict


def numpy(weights, activation, x):
    def sigmoid(y):
        np.exp(np.negative(y, out=y), out=y)
        y += 1
        np.reciprocal(y, out=y)

    activate = {"relu": lambda y: np.maximum(y, 0, out=y), "tanh": lambda y: np.tanh(y, out=y), "sigmoid": sigmoid}[
        activation
    ]

    def call(x):
        for kernel, bias in weights[:-1]:
            x = x @ kernel
            x += bias
            activate(x)
        x = x @ weights[-1][0]
        x += weights[-1][1]
        return x

    return call


def _torch_module(weights, activation):
    import torch

    torch.set_num_threads(1)
    activate = {"relu": torch.nn.ReLU(inplace=True), "tanh": torch.nn.Tanh(), "sigmoid": torch.nn.Sigmoid()}[activation]
    layers = []
    for kernel, bias in weights:
        layer = torch.nn.Linear(*kernel.shape)
        layer.weight.data = torch.from_numpy(kernel.T.copy())
        layer.bias.data = torch.from_numpy(bias)
        layers += [layer, activate]
    return torch, torch.nn.Sequential(*layers[:-1]).eval()


def torch_eager(weights, activation, x):
    torch, module = _torch_module(weights, activation)

    @torch.inference_mode()
    def call(x):
        return module(torch.from_numpy(x)).numpy()

    return call


def torch_jit(weights, activation, x):
    torch, module = _torch_module(weights, activation)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch calls torch.jit deprecated
        frozen = torch.jit.freeze(torch.jit.trace(module, torch.from_numpy(x)))

    @torch.inference_mode()
    def call(x):
        return frozen(torch.from_numpy(x)).numpy()

    for _ in range(3):  # the first calls observe shapes and compile
        call(x)
    return call


def _onnx(weights, activation, x):
    """Return the network as the bytes of an ONNX model whose input has exactly the shape of x."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, arrays, name = [], [], "x"
    for i, pair in enumerate(weights, 1):
        arrays += [numpy_helper.from_array(array, f"{kind}{i}") for kind, array in zip("wb", pair, strict=True)]
        last = i == len(weights)
        nodes.append(helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], ["y" if last else f"sum{i}"]))
        if not last:
            name = f"h{i}"
            nodes.append(helper.make_node(activation.capitalize(), [f"sum{i}"], [name]))
    shapes = {"x": x.shape, "y": (len(x), weights[-1][1].size)}
    ends = [[helper.make_tensor_value_info(end, TensorProto.FLOAT, shapes[end])] for end in "xy"]
    graph = helper.make_graph(nodes, "network", *ends, initializer=arrays)
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()


def onnx_runtime(weights, activation, x):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = _onnx(weights, activation, x)
    run = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run
    return lambda x: run(None, {"x": x})[0]


def openvino(weights, activation, x):
    import openvino

    hints = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": 1,
        "INFERENCE_PRECISION_HINT": "f32",  # the default is bfloat16 if the CPU supports it
    }
    model = openvino.Core().read_model(model=_onnx(weights, activation, x))
    request = openvino.compile_model(model, "CPU", hints).create_infer_request()
    return lambda x: request.infer(x, share_inputs=True, share_outputs=True)[0]


def jax_jit(weights, activation, x):
    import jax

    jax.config.update("jax_cpu_enable_async_dispatch", False)  # halves the time of small calls; no second thread
    activate = {"relu": jax.nn.relu, "tanh": jax.numpy.tanh, "sigmoid": jax.nn.sigmoid}[activation]

    @jax.jit
    def forward(x):
        for kernel, bias in weights[:-1]:
            x = activate(x @ kernel + bias)
        return x @ weights[-1][0] + weights[-1][1]

    return lambda x: np.asarray(forward(x))


def _tflite(weights, activation, x):
    """Return the network as the bytes of a .tflite file whose input has exactly the shape of x."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    buffers, tensors, operators = [schema.BufferT()], [], []

    def tensor(shape, array=None):
        index = 0  # buffer 0 is empty, for tensors that are computed
        if array is not None:
            buffers.append(schema.BufferT(data=np.frombuffer(array.tobytes(), np.uint8)))
            index = len(buffers) - 1
        kind = schema.TensorType.FLOAT32
        tensors.append(schema.TensorT(shape=list(shape), type=kind, buffer=index, name=f"t{len(tensors)}"))
        return len(tensors) - 1

    kinds = schema.BuiltinOperator
    dense, curve = kinds.FULLY_CONNECTED, kinds.LOGISTIC if activation == "sigmoid" else kinds.TANH
    fused = schema.ActivationFunctionType
    now = tensor(x.shape)
    for i, (kernel, bias) in enumerate(weights, 1):
        hidden = i < len(weights)
        inputs = [now, tensor(kernel.shape[::-1], kernel.T), tensor(bias.shape, bias)]
        now = tensor((len(x), bias.size))
        relu = fused.RELU if hidden and activation == "relu" else fused.NONE
        options = schema.FullyConnectedOptionsT(fusedActivationFunction=relu)
        kind = schema.BuiltinOptions.FullyConnectedOptions
        operators.append(
            schema.OperatorT(0, inputs=inputs, outputs=[now], builtinOptionsType=kind, builtinOptions=options)
        )
        if hidden and activation != "relu":
            operators.append(schema.OperatorT(1, inputs=[now], outputs=[now := tensor((len(x), bias.size))]))
    codes = [schema.OperatorCodeT(deprecatedBuiltinCode=c, builtinCode=c, version=1) for c in (dense, curve)]
    graph = schema.SubGraphT(tensors=tensors, inputs=[0], outputs=[now], operators=operators)
    model = schema.ModelT(version=3, operatorCodes=codes, subgraphs=[graph], buffers=buffers)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def litert(weights, activation, x):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=_tflite(weights, activation, x), num_threads=1)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def call(x):
        interpreter.set_tensor(source, x)
        interpreter.invoke()
        return interpreter.get_tensor(target)

    return call


# name -> adapter, and the packages that it needs; the version of the first one is reported
ENGINES = {
    "fastnn": (fastnn, ["fastnn-cpu"]),
    "numpy": (numpy, ["numpy"]),
    "torch": (torch_eager, ["torch"]),
    "torch-jit": (torch_jit, ["torch"]),
    "onnxruntime": (onnx_runtime, ["onnxruntime", "onnx"]),
    "openvino": (openvino, ["openvino", "onnx"]),
    "jax": (jax_jit, ["jax"]),
    "litert": (litert, ["ai-edge-litert", "flatbuffers"]),
}


def installed():
    """Return name -> version of each engine, None if one of its packages is not installed."""
    found = {}
    for name, (_, packages) in ENGINES.items():
        try:
            found[name], *_ = [version(package) for package in packages]
        except PackageNotFoundError:
            found[name] = None
    return found
