"""Mutate JSON texts and ONNX graphs so that they stay well-formed, which random changes of bytes rarely achieve."""

import json
import random
from collections.abc import MutableMapping

import atheris
import onnx

NUMBERS = [0, 1, -1, 2, 3, 4, 0.5, 1e-3, 1e308, -0.0, 2**31 - 1, 2**31, 2**53, 2**63, 2**64 - 1, 2**64, float("inf")]
LITTLE = [
    None,
    True,
    False,
    "",
    "x",
    "linear",
    [],
    {},
    [None],
    [None, 4],
    ["x", 0, 0],
    {"class_name": "Dense"},
    "\n\x7f",
]


def mutated_bytes(data, max_size, seed, mutate_text):
    """Mutate bytes: half of the time with mutate_text(data, generator), otherwise with libFuzzer."""
    generator = random.Random(seed)
    if generator.random() < 0.5:
        try:
            changed = mutate_text(data, generator)
        except Exception:  # the bytes are no longer well-formed
            changed = b""
        if 0 < len(changed) <= max_size:
            return changed
    return atheris.Mutate(data, max_size)


def mutated_json(text, generator):
    """Return a JSON text in which a few values are replaced, removed, added or moved."""
    value = json.loads(text)
    for _ in range(generator.randint(1, 3)):
        places = list(_places(value))
        if not places:
            break
        holder, key = generator.choice(places)
        _change(holder, key, places, generator)
    return json.dumps(value).encode()


def _places(value):
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _change(holder, key, places, generator):
    other_holder, other_key = generator.choice(places)
    other = json.loads(json.dumps(other_holder[other_key]))
    change = generator.randrange(6)
    if change == 0:
        del holder[key]
    elif change == 1:
        holder[key] = generator.choice(NUMBERS + LITTLE)
    elif change == 2 and isinstance(holder, list):
        holder.insert(key, other)
    elif change == 3 and isinstance(holder, MutableMapping):
        holder[generator.choice([str(other_key), "units", "dtype", "activation", "name", "x"])] = other
    else:
        holder[key] = other


OPERATORS = [
    "Gemm", "MatMul", "Add", "Sub", "Mul", "Div", "Relu", "Tanh", "Sigmoid", "Softmax", "LogSoftmax", "LeakyRelu",
    "Elu", "Celu", "Selu", "Softplus", "Softsign", "HardSigmoid", "HardSwish", "Mish", "Gelu", "PRelu", "Clip", "Exp",
    "Log", "Neg", "Sqrt", "Pow", "Erf", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Cast",
    "Constant", "ConstantOfShape", "Shape", "Transpose", "BatchNormalization", "LayerNormalization",
    "InstanceNormalization", "ReduceMean", "ReduceSum", "ArgMax", "Where", "Greater", "Less", "Min", "Max", "Concat",
    "Split", "SplitToSequence", "SequenceAt", "Slice", "Gather", "GatherND", "Scaler", "Normalizer", "ZipMap",
    "LinearClassifier", "LinearRegressor", "ArrayFeatureExtractor", "If", "Loop", "QuantizeLinear",
]  # fmt: skip


def mutated_onnx(data, generator):
    """Return an ONNX model in which a few nodes, attributes, names, shapes or numbers are changed."""
    proto = onnx.ModelProto.FromString(data)
    for _ in range(generator.randint(1, 3)):
        generator.choice([_change_node, _change_node, _change_name, _change_attribute, _change_tensor])(
            proto.graph, generator
        )
    return proto.SerializeToString()


def _change_node(graph, generator):
    change, node = generator.randrange(5), generator.choice(graph.node)
    if change == 0:
        node.op_type = generator.choice(OPERATORS)
    elif change == 1:
        node.domain = generator.choice(["", "ai.onnx.ml", "com.microsoft", "x"])
    elif change == 2:
        graph.node.remove(node)
    elif change == 3:
        graph.node.add().CopyFrom(node)
    else:
        node.CopyFrom(generator.choice(graph.node))


def _change_name(graph, generator):
    """Add, remove or replace an input or output of a node."""
    names = [name for node in graph.node for name in [*node.input, *node.output]] + ["", "x"]
    names += [each.name for each in graph.initializer]
    node = generator.choice(graph.node)
    ends = generator.choice([node.input, node.input, node.output])
    change = generator.randrange(3)
    if change == 0 or not ends:
        ends.append(generator.choice(names))
    elif change == 1:
        del ends[generator.randrange(len(ends))]
    else:
        ends[generator.randrange(len(ends))] = generator.choice(names)


def _change_attribute(graph, generator):
    nodes = [node for node in graph.node if node.attribute]
    if not nodes:
        return
    attribute = generator.choice(generator.choice(nodes).attribute)
    change, number = generator.randrange(4), generator.choice(NUMBERS[:-1])
    if change == 0:
        attribute.i = int(max(min(number, 2**63 - 1), -(2**63)))
    elif change == 1:
        attribute.f = min(number, 3e38)
    elif change == 2:
        attribute.type = generator.randrange(15)
    else:
        attribute.CopyFrom(generator.choice(generator.choice(nodes).attribute))


def _change_tensor(graph, generator):
    if not graph.initializer:
        return
    tensor, change = generator.choice(graph.initializer), generator.randrange(5)
    if change == 0 and tensor.dims:
        tensor.dims[generator.randrange(len(tensor.dims))] = generator.choice([0, 1, 3, 5, -1, 2**31, 2**62])
    elif change == 1:
        tensor.dims.append(generator.choice([0, 1, 3, 2**40]))
    elif change == 2 and tensor.dims:
        tensor.dims.pop()
    elif change == 3:
        tensor.data_type = generator.randrange(25)
    else:
        tensor.CopyFrom(generator.choice(graph.initializer))
