"""What outputs stand for: `classes`, predict_classes(), and fastnn predict --labels."""

import tracemalloc

import numpy as np
import pytest

import fastnn
from arrays import same_bits, uniform
from fastnn.cli import tables
from fastnn.layers import Activation, Dense
from fastnn.models import Sequential, load_model


def test_classes_are_kept_in_the_file_and_name_what_is_predicted(path):
    model = Sequential([Dense(3, "softmax", input_shape=(2,))])
    x = uniform(1, (20, 2))
    index = model.predict(x).argmax(axis=1)
    assert same_bits(model.predict_classes(x), index)
    model.classes = ["no", "yes", "perhaps"]
    model.save(path)
    loaded = load_model(path)
    assert loaded.classes == ("no", "yes", "perhaps")
    assert loaded == model
    assert loaded.predict_classes(x).tolist() == [model.classes[i] for i in index]
    assert loaded.predict_classes(x[0]).shape == ()


def test_one_output_is_the_probability_of_the_second_class(path):
    model = Sequential([Activation("sigmoid")])
    assert model.predict_classes([[-1.0], [0.0], [1.0]]).tolist() == [0, 0, 1]
    model.classes = ["spam", "ham"]
    assert model.predict_classes([[-1.0], [1.0]]).tolist() == ["spam", "ham"]
    model.save(path)
    assert load_model(path).classes == ("spam", "ham")


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh"])
def test_one_output_that_is_no_probability_has_no_classes(activation):
    with pytest.raises(ValueError, match="expected a model of classes: several outputs, or one of sigmoid"):
        Sequential([Dense(1, activation, input_shape=(2,))]).predict_classes([[1.0, 2.0]])


def test_several_sigmoids_are_labels_that_a_row_may_have_together():
    model = Sequential([Activation("sigmoid")])
    assert model.predict_classes([[-1.0, 1.0, 2.0]]).tolist() == [[0, 1, 1]]


REFUSED = [["a"], ["a", "b", "c"], [None, 1], [np.nan, 1], [[1], [2]], [b"a", b"b"]]
REFUSED += ["ab", b"ab", bytearray(b"ab"), {1: 0, 2: 0}, {1, 2}]


@pytest.mark.parametrize(
    "classes", [*REFUSED, ["a", "b\0"], ["\ud83d", "b"], [10**400, 1]], ids=lambda c: ascii(c)[:20]
)
def test_classes_that_are_none_are_refused(classes):
    model = Sequential([Dense(2, "softmax", input_shape=(2,))])
    with pytest.raises(ValueError, match=r"^expected (2 )?classes") as error:
        model.classes = classes
    str(error.value).encode()  # can be printed
    assert model.classes is None


def test_classes_of_layers_that_are_gone_name_no_others():
    model = Sequential([Dense(3, "softmax", input_shape=(2,))])
    model.classes = ["a", "b", "c"]
    model.add(Dense(5, "softmax"))
    with pytest.raises(ValueError, match=r"^expected 5 classes, for 5 outputs; received 3$"):
        model.predict_classes([[1.0, 2.0]])


def test_long_names_take_no_memory_for_each_row():
    model = Sequential([Dense(3, "softmax", input_shape=(2,))])
    model.classes = ["x" * 500_000, "b", "c"]
    chosen = model.predict_classes(uniform(1, (3000, 2)))
    assert set(chosen) <= set(model.classes)
    assert chosen.nbytes <= 8 * 3000


def test_one_long_name_among_many_takes_no_memory_for_each():
    model = Sequential([Dense(2000, "softmax", input_shape=(2,))])
    names = ("x" * 500_000, *map(str, range(1999)))
    tracemalloc.start()
    model.classes = names
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert model.classes == names
    assert most < 1 << 20


def test_classes_of_a_file_that_do_not_fit_are_refused(path):
    model = Sequential([Dense(3, "softmax", input_shape=(2,))])
    model.save(path)
    data = path.read_bytes()
    for classes, sentence in (("[1,2]", "has 2 as 'classes'; expected an array of 3"), ("[1,2,[]]", "an array in")):
        text = f'"classes":{classes},"layers"'.replace('"', '\\"').encode()
        changed = data[8:].replace(b'\\"layers\\"', text, 1)
        size = int.from_bytes(data[:8], "little") + len(text) - len(b'\\"layers\\"')
        path.write_bytes(size.to_bytes(8, "little") + changed)
        with pytest.raises(fastnn.ModelFormatError, match=sentence):
            load_model(path)


MIXED = [[True, False, 2], ["1", 1, 2], [2**53 + 1, 1.5, 2], [2**63, -1, 0], [1, 1.0, True], ["1.5", 1.5, 2**70]]


def choosing(classes, path):
    """A model whose answers are its inputs; it is saved too."""
    layer = Dense(len(classes), use_bias=False, input_shape=(len(classes),))
    model = Sequential([layer])
    layer.set_weights([np.eye(len(classes))])
    model.classes = classes
    model.save(path)
    return model


@pytest.mark.parametrize("classes", [*MIXED, [2**63, 1, 2], [2**70, 2**71, 2]], ids=str)
def test_classes_that_an_array_would_change_are_given_as_they_are(path, classes):
    choosing(classes, path)
    model = load_model(path)
    chosen = model.predict_classes(np.eye(3))
    assert (chosen.dtype, chosen.shape) == (object, (3,))
    assert [(type(each), each) for each in chosen] == [(type(each), each) for each in classes]
    assert model.predict_classes(np.zeros((2, 0, 3))).shape == (2, 0)
    assert model.predict_classes([0, 1, 0]) == classes[1]


@pytest.mark.parametrize(("classes", "kind"), [(["a", "bc", "d"], "U"), ([3, 1, -2], "i"), ([0.5, 1.0, 2.0], "f")])
def test_classes_of_one_type_are_an_array_of_it(path, classes, kind):
    chosen = choosing(classes, path).predict_classes(np.eye(3))
    assert (chosen.dtype.kind, chosen.tolist()) == (kind, classes)


@pytest.mark.parametrize("classes", MIXED, ids=str)
def test_labels_of_more_than_one_type_are_text_or_refused_for_npy(run, path, tmp_path, classes):
    choosing(classes, path)
    np.save(tmp_path / "x.npy", np.eye(3))
    code, out, _ = run("predict", path, tmp_path / "x.npy", "--labels")
    assert (code, out.splitlines()) == (0, [str(each) for each in classes])
    code, out, err = run("predict", path, tmp_path / "x.npy", "--labels", "-o", tmp_path / "y.npy")
    wanted = "expected classes of one type and at most 256 characters; received others; write a .csv file"
    assert (code, out, err) == (2, "", f"fastnn: {tmp_path}/y.npy: {wanted}\n")
    assert not (tmp_path / "y.npy").exists()


NAN = [[1.0, 2.0], [2.0, 1.0], [np.nan, 1.0], [1.0, np.nan]]
NAN_MODELS = [Dense(2, "softmax", input_shape=(2,)), Activation("sigmoid"), Dense(1, "sigmoid", input_shape=(2,))]
REFUSES_NAN = "expected outputs to choose a class by; received NaN among those of "


@pytest.mark.parametrize("layer", NAN_MODELS, ids=["several", "labels", "one"])
def test_a_row_with_nan_has_no_class(layer):
    model = Sequential([layer])
    for x, row in ((NAN, "row 2"), ([NAN, NAN], "row (0, 2)"), (NAN[2], "the row")):
        with pytest.raises(ValueError) as error:
            model.predict_classes(x)
        assert str(error.value) == REFUSES_NAN + row
    assert model.predict_classes(NAN[:2]).shape[0] == 2


@pytest.mark.parametrize("options", [["--labels"], ["--target=2"], ["--labels", "-o", "y.csv"]], ids=str)
def test_command_line_names_the_first_row_with_nan_that_needs_a_class(run, path, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tables, "_NUMBERS_PER_CHUNK", 3)  # one row
    Sequential([Dense(2, "softmax", input_shape=(2,))]).save(path)
    x = np.array(NAN) if "--labels" in options else np.insert(NAN, 2, 1, axis=1)
    np.save("x.npy", x)
    code, _, err = run("predict", path, "x.npy", *options)
    assert (code, err) == (2, f"fastnn: x.npy: {REFUSES_NAN}row 2\n")
    assert not (tmp_path / "y.csv").exists()
    np.save("x.npy", NAN)
    assert "nan" in run("predict", path, "x.npy")[1]  # numbers are written as they are
