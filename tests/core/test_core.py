"""The compiled core called directly: every wrong argument is an exception of one sentence, none a crash."""

import ast
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import _core
from fastnn._core import Network32, Network64, reference_dense
from processes import run_python

F4, F8 = np.float32, np.float64
STUB = Path(__file__).resolve().parents[2] / "python/fastnn/_core.pyi"


def zeros(*shape, dtype=F4):
    return np.zeros(shape, dtype)


def layer(class_name, units, activation="linear", parameters=None, **weights):
    return class_name, units, activation, parameters or {}, weights


def dense(kernel, bias=None, units=2, activation="relu"):
    return layer("Dense", units, activation, kernel=kernel, **({} if bias is None else {"bias": bias}))


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(layer("Activation", 2, "relu", bias=zeros(2)), id="bias-without-kernel"),
        pytest.param(dense(object()), id="object-as-kernel"),
        pytest.param(dense(zeros(2, 2), object()), id="object-as-bias"),
        pytest.param(dense(zeros(2, 2, dtype=F8)), id="kernel-of-float64"),
        pytest.param(dense(zeros(2, 2), zeros(2, dtype=F8)), id="bias-of-float64"),
        pytest.param(dense(zeros(2, 2, dtype=complex)), id="complex-kernel"),
        pytest.param(dense(np.full((2, 2), "a")), id="kernel-of-strings"),
        pytest.param(dense(np.full((2, 2), None)), id="kernel-of-objects"),
        pytest.param(dense(zeros(3, 2)), id="kernel-for-more-inputs"),
        pytest.param(dense(zeros(2, 2, 1)), id="kernel-in-3-dimensions"),
        pytest.param(dense(zeros(2, 2), zeros(1)), id="short-bias"),
        pytest.param(dense(zeros(2, 2), zeros(1, 2)), id="bias-in-2-dimensions"),
        pytest.param(layer("Dense", 2), id="dense-without-kernel"),
        pytest.param(layer("Activation", 3, "relu"), id="activation-of-other-units"),
        pytest.param(dense(zeros(2, 2), activation="Relu"), id="unknown-activation"),
        pytest.param(layer("dense", 2, kernel=zeros(2, 2)), id="unknown-layer"),
        pytest.param(dense(zeros(2, 0), zeros(0), units=0), id="no-units"),
        pytest.param(layer("Activation", 2**31, "relu"), id="too-many-units"),
        pytest.param(layer("PReLU", 2), id="prelu-without-slopes"),
        pytest.param(layer("PReLU", 2, alpha=zeros(2), shift=zeros(2)), id="prelu-with-shift"),
        pytest.param(layer("PReLU", 2, "relu", alpha=zeros(2)), id="prelu-with-activation"),
        pytest.param(layer("Activation", 2, "relu", scale=zeros(2)), id="relu-with-scale"),
        pytest.param(layer("Affine", 2, kernel=zeros(2, 2), scale=zeros(2), shift=zeros(2)), id="affine-with-kernel"),
        pytest.param(layer("Affine", 2, scale=zeros(2)), id="affine-without-shift"),
        pytest.param(layer("Affine", 2, scale=zeros(3), shift=zeros(2)), id="scale-of-other-units"),
        pytest.param(layer("Affine", 2, scale=zeros(2), shift=zeros(1)), id="shift-of-other-units"),
        pytest.param(layer("Activation", 2, "clip", {"minimum": 1.0, "maximum": 0.0}), id="clip-upside-down"),
        pytest.param(layer("Activation", 2, "clip", {"minimum": np.nan, "maximum": 0.0}), id="clip-from-nan"),
        pytest.param(layer("Activation", 2, "clip", {"minimum": 0.0}), id="clip-without-maximum"),
        pytest.param(layer("Activation", 2, "relu", {"alpha": 0.0}), id="relu-with-parameter"),
        pytest.param(layer("Activation", 2, "leaky_relu", {"negative_slope": np.inf}), id="infinite-slope"),
        pytest.param(
            layer("LayerNormalization", 2, parameters={"epsilon": -1.0}, gamma=zeros(2), beta=zeros(2)),
            id="negative-epsilon",
        ),
    ],
)
def test_a_layer_that_is_none_is_refused_in_one_sentence(refused):
    with pytest.raises((TypeError, ValueError), match=r"^(layer 0: )?(\w+: )?expected [^\n]+$"):
        Network32(2, [refused], np.asarray)


def test_networks_without_inputs_or_layers_are_refused():
    for make in (
        lambda: Network32(0, [layer("Activation", 1, "relu")], np.asarray),
        lambda: Network64(1, [], np.asarray),
    ):
        with pytest.raises(ValueError, match="^(inputs: )?expected [^\n]+$"):
            make()


@pytest.mark.parametrize("kind", [*"?bBhHiIlLqQefdg", ">f8", ">i2"])
@pytest.mark.parametrize("make", [Network32, Network64])
def test_arrays_of_numbers_take_no_python_function(make, kind):
    network = make(2, [layer("Activation", 2, "relu")], pytest.fail)
    assert network.predict(np.ones((3, 2), kind), None).tolist() == [[1, 1]] * 3
    assert network.representations(np.ones((3, 2), kind, "F"))[0].tolist() == [[1, 1]] * 3


@pytest.mark.parametrize("x", [[1, 2], np.array([1, 2], object), np.array(["1", "2"])], ids=["list", "objects", "text"])
def test_other_rows_are_what_the_python_function_makes_of_them(x):
    received = []
    network = Network32(2, [layer("Activation", 2, "relu")], lambda x: received.append(x) or np.array([3, 4]))
    assert network.predict(x, None).tolist() == [3, 4]
    assert len(received) == 1
    assert received[0] is x
    with pytest.raises(TypeError, match="not callable"):
        Network32(2, [layer("Activation", 2, "relu")], None).predict(x, None)


@pytest.mark.parametrize(
    ("kernel", "bias", "x"),
    [
        pytest.param(zeros(2, 2, 2), zeros(2), zeros(1, 2), id="kernel-in-3-dimensions"),
        pytest.param(zeros(2), zeros(2), zeros(1, 2), id="kernel-in-1-dimension"),
        pytest.param(zeros(2, 2), zeros(3), zeros(1, 2), id="long-bias"),
        pytest.param(zeros(2, 2), zeros(1), zeros(1, 2), id="short-bias"),
        pytest.param(zeros(2, 2), zeros(2), zeros(1, 3), id="wide-x"),
        pytest.param(zeros(2, 2), zeros(2), zeros(2), id="x-in-1-dimension"),
        pytest.param(zeros(2, 2), zeros(2), zeros(1, 1, 2), id="x-in-3-dimensions"),
    ],
)
def test_the_reference_refuses_shapes_that_do_not_fit(kernel, bias, x):
    with pytest.raises(ValueError, match="^expected kernel"):
        reference_dense(kernel, bias, x)


# -- the choice of an instruction set


@pytest.mark.parametrize("name", [None, 3, b"portable", ["portable"]], ids=repr)
def test_an_instruction_set_that_is_no_string_is_a_type_error(name):
    before = fastnn.isa()
    with pytest.raises(TypeError, match="^expected isa to be a string, one of fastnn.isas()"):
        fastnn.set_isa(name)
    assert fastnn.isa() == before


@pytest.mark.parametrize(
    "name",
    ["", "a\nb", "\udc80", "\x1b[2J", "é", "portable\0", "portable\n", "Portable", "x" * 50, *_core.unsupported_isas()],
    ids=ascii,
)
def test_an_unknown_instruction_set_is_refused_in_one_printable_line_with_the_valid_names(name):
    before = fastnn.isa()
    with pytest.raises(ValueError, match="^expected isa to be one of this CPU's instruction sets") as error:
        fastnn.set_isa(name)
    assert str(error.value).isprintable()
    assert ", ".join(fastnn.isas()) in str(error.value)
    assert fastnn.isa() == before


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_environment_variable_is_as_an_unset_one(value):
    assert run_python("import fastnn; print(fastnn.isa())", FASTNN_ISA=value) == f"{fastnn.isas()[0]}\n"


def test_a_wrong_environment_variable_can_be_mended_in_the_process():
    code = """
        import fastnn
        try:
            fastnn.isa()
        except ValueError as error:
            assert "received 'nonsense'" in str(error), error
        else:
            raise AssertionError("FASTNN_ISA=nonsense is accepted")
        fastnn.set_isa(fastnn.isas()[-1])
        print(fastnn.isa())
    """
    assert run_python(code, FASTNN_ISA="nonsense") == f"{fastnn.isas()[-1]}\n"


def stub_names(body):
    """Public names -> node, of a stub's body; __version__ counts."""
    named = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    names = {node.name: node for node in named}
    names |= {node.target.id: node for node in body if isinstance(node, ast.AnnAssign)}
    return {name: node for name, node in names.items() if not name.startswith("_") or name == "__version__"}


def public(names):
    return {name for name in names if not name.startswith("_") or name == "__version__"}


def test_stub_lists_the_public_names_of_the_core():
    body = ast.parse(STUB.read_text()).body
    stub, classes = stub_names(body), {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    assert set(stub) == public(dir(_core))
    for name, node in stub.items():
        if isinstance(node, ast.ClassDef):
            of_class = public(vars(getattr(_core, name)))
            bases = [classes[base.value.id] for base in node.bases if isinstance(base, ast.Subscript)]
            names = {name for each in (node, *bases) for name in stub_names(each.body)}
            assert names == of_class, f"fastnn._core.{name}"
