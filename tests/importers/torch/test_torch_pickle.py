"""Files of PyTorch are read without torch, and run nothing: hostile and damaged ones get one sentence."""

import gc
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

import fastnn
from fastnn import from_torch_state_dict
from opened import read_pickle as read
from processes import run_python
from state_dicts import (
    MACHINE,
    archive,
    in_a_row,
    integer,
    numbers,
    pickled,
    saved,
    state_dict_bytes,
    tensor,
    text,
    weights,
)


def test_views_and_shared_storages_are_read_by_their_strides(tmp_path):
    numbers = np.arange(12, dtype="<f4")
    entries = [
        ("0.weight", tensor("a", "FloatStorage", 12, [2, 3], [1, 4])),
        ("0.bias", tensor("a", "FloatStorage", 12, [2], [5], offset=3)),
    ]
    found = read(str(saved(tmp_path / "sd.pt", archive(pickled(entries), {"a": numbers.tobytes()}))))
    assert found["0.weight"].tolist() == [[0, 4, 8], [1, 5, 9]]
    assert found["0.bias"].tolist() == [3, 8]


def test_a_pickle_that_runs_something_is_refused_and_nothing_runs(tmp_path):
    canary = tmp_path / "canary"
    for call in (b"cos\nsystem\n(" + text(f"touch {canary}") + b"tR", b"cbuiltins\nexec\n(" + text("1") + b"tR"):
        path = saved(tmp_path / "evil.pt", archive(pickled([("0.weight", call)]), {}))
        with pytest.raises(fastnn.UnsupportedModelError, match="which fastnn never runs; expected tensors alone"):
            from_torch_state_dict(path, ["relu"])
    assert not canary.exists()


def test_a_pickle_can_not_change_what_others_are_read_with(tmp_path):
    attributes = b"}" + text("__init__") + text("x") + b"s"
    for target in (b"ctorch\nFloatStorage\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"ccollections\nOrderedDict\n"):
        evil = target + b"N" + attributes + b"\x86b"  # BUILD with a state of (None, attributes): setattr
        path = saved(tmp_path / "evil.pt", archive(pickled([("0.weight", evil)]), {}))
        with pytest.raises(fastnn.ModelFormatError):
            from_torch_state_dict(path, ["relu"])
        test_views_and_shared_storages_are_read_by_their_strides(tmp_path)


PID = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + integer(4) + b"tQ"
FOUR = {"0": np.ones(4, "<f4").tobytes()}
FOUR_IN_A_ROW = {"0": (4, FOUR["0"])}


def one(*arguments, **options):
    return pickled([("0.weight", tensor(*arguments, **options))])


ONE = one("0", "FloatStorage", 4, [4], [1])
BAD_FILES = {
    "a whole module": archive(b"\x80\x02ctorch.nn.modules.linear\nLinear\n)R.", {}),
    "beyond its storage": archive(one("0", "FloatStorage", 4, [2, 2], [3, 2]), FOUR),
    "an offset beyond": archive(one("0", "FloatStorage", 4, [2], [1], offset=3), FOUR),
    "more numbers than stored": archive(one("0", "FloatStorage", 4, [10**6, 10**6], [0, 0]), FOUR),
    "negative strides": archive(one("0", "FloatStorage", 4, [4], [-1], offset=3), FOUR),
    "sizes that overflow": archive(one("0", "FloatStorage", 4, [2**40, 2**40], [1, 1]), FOUR),
    "a storage of another size": archive(one("0", "FloatStorage", 5, [2], [1]), FOUR),
    "no such storage": archive(one("1", "FloatStorage", 4, [2], [1]), FOUR),
    "a storage elsewhere": archive(one("../../x", "FloatStorage", 4, [2], [1]), FOUR),
    "compressed": archive(pickled([]), {}, compression=zipfile.ZIP_DEFLATED),
    "no data.pkl": archive(pickled([]), {}).replace(b"data.pkl", b"dada.pkl"),
    "two data.pkl": archive(pickled([]), {"data.pkl": b""}),
    "a list": archive(b"\x80\x02].", {}),
    "an empty pickle": archive(b"", {}),
    "an endless number": archive(b"\x80\x02\x8b\xff\xff\xff\x7f.", {}),
    "a pickle alone": b"\x80\x02}.",
    "text": b"not a state dict",
    "nothing": b"",
    "big-endian": archive(pickled([]), {}).replace(b"little", b"bigger"),
    "persistent id": archive(b"\x80\x02" + integer(3) + b"Q.", {}),
    "fewer values than it takes": archive(b"\x80\x02}\x86\x86s.", {}),
    "a storage of two dtypes": archive(
        pickled([(f"{s}.weight", tensor("0", s, 4, [4], [1])) for s in ("FloatStorage", "IntStorage")]), FOUR
    ),
    "a shape that is a storage": archive(
        pickled([("0.weight", b"ctorch._utils\n_rebuild_tensor_v2\n(" + PID + integer(0) + PID + b")tR")]), FOUR
    ),
}


def doubled(times):
    """A pickle's opcodes of a tuple of twice the same, and so on: as many in memory, 2^times when walked."""
    return b")" + b"".join(b"r" + struct.pack("<I", i) + b"j" + struct.pack("<I", i) + b"\x86" for i in range(times))


CALL = b"ctorch._utils\n_rebuild_tensor_v2\n(" + PID + integer(0)
MANY = (1 << 19) - 9  # bytes, nearly the most of a pickle
BOMBS = {
    "an entry of the memo numbered 2^27": b"\x80\x02}r" + struct.pack("<I", 2**27) + b".",
    "a key that takes for ever to hash": b"\x80\x02}" + doubled(60) + b"Ns.",
    "a shape that takes for ever to print": pickled([("0.weight", CALL + doubled(60) + b")tR")]),
    "a list that no memory can hold": pickled([("0.weight", b"".join(
        b"]r" + struct.pack("<I", i) + (b"" if i == 0 else b"(" + 2 * (b"j" + struct.pack("<I", i - 1)) + b"e")
        for i in range(60)))]),
    "a shape that takes for ever to multiply": pickled([("0.weight", CALL + numbers([2**40] * 40_000) + b")tR")]),
    "a name that takes for ever to print": b"\x80\x04" + text("torch") + doubled(60) + b"\x93.",
    "a module that takes for ever to print": b"\x80\x04" + doubled(60) + text("x") + b"\x93.",
    "a dtype that takes for ever to hash": pickled(
        [("0.weight", b"(" + text("storage") + doubled(60) + text("0") + text("cpu") + integer(4) + b"tQ")]
    ),
    "a million dicts": b"\x80\x02(" + b"}" * 10**6 + b"t.",
    "as many dicts as there may be": b"\x80\x02(" + b"}" * MANY + b"t.",
    "in the memo": b"\x80\x04(" + b"}\x94" * (MANY // 2) + b"t.",
    "in each other": b"\x80\x04" + b"]" * (MANY // 2) + b"a" * (MANY // 2 - 1) + b".",
    "as many marks": b"\x80\x02" + b"(" * MANY + b".",
    "as many tuples": b"\x80\x02)" + b"\x85" * MANY + b".",
    "a long text": b"\x80\x02X" + struct.pack("<I", 9 << 20) + b"x" * (9 << 20) + b".",
}  # fmt: skip


@pytest.mark.parametrize("pickle", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("kind", [lambda pickle: archive(pickle, FOUR), lambda pickle: in_a_row(pickle, FOUR_IN_A_ROW)])
@pytest.mark.slow
def test_a_pickle_takes_no_more_memory_and_time_than_its_file_is_worth(tmp_path, kind, pickle):
    path = saved(tmp_path / "sd.pt", kind(pickle))
    code = (
        "import resource, sys, fastnn, fastnn.saving.formats, processes\n"
        "processes.limit_memory(2 * int(sys.argv[2]) + (64 << 20))\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (10, 10))\n"
        "try: fastnn.from_torch_state_dict(sys.argv[1], ['relu'])\n"
        "except fastnn.ModelFormatError as error: print(error)"
    )
    printed = run_python(code, path, path.stat().st_size)
    assert printed.startswith(f"{path}: ")
    assert "MemoryError" not in printed


def test_a_member_that_says_it_is_packed_in_more_than_the_file_is_refused(tmp_path):
    content = bytearray(state_dict_bytes(weights(3, 4)))
    struct.pack_into("<L", content, content.find(b"PK\x01\x02") + 20, 2**31)
    with pytest.raises(fastnn.ModelFormatError, match="larger than the file"):
        read(str(saved(tmp_path / "sd.pt", content)))


def test_a_list_of_a_million_members_is_refused_before_it_is_read(tmp_path):
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    listed = (entry + b"a") * 30_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 30_000, 30_000, len(listed), 0, 0)
    with pytest.raises(fastnn.LimitError, match="lists its members"):
        read(str(saved(tmp_path / "sd.pt", b"PK\x03\x04" + listed + end)))


@pytest.mark.parametrize(("storage", "dtype"), [("FloatStorage", "<f4"), ("BFloat16Storage", "<u2")])
@pytest.mark.parametrize("before_1_6", [False, True])
def test_a_storage_of_many_tensors_is_read_once(tmp_path, storage, dtype, before_1_6):
    numbers = np.ones(10**6, dtype)
    entries = [(f"{i}.weight", tensor("0", storage, 10**6, [1000, 1000], [1000, 1])) for i in range(100)]
    data = numbers.tobytes()
    old, new = in_a_row(pickled(entries), {"0": (10**6, data)}), archive(pickled(entries), {"0": data})
    path = saved(tmp_path / "sd.pt", old if before_1_6 else new)
    tracemalloc.start()
    found = read(str(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 100
    assert peak < (2 if dtype == "<f4" else 4) * path.stat().st_size  # bfloat16 becomes float32


def test_a_pickle_that_fails_leaves_nothing_in_memory(tmp_path):
    path = saved(tmp_path / "sd.pt", archive(pickled([("0.weight", CALL + b"X")]), FOUR))

    def objects():
        for _ in range(20):
            with pytest.raises(fastnn.ModelFormatError):
                read(str(path))
        gc.collect()
        return len(gc.get_objects())

    objects()
    before = objects()
    assert objects() < before + 20


STORED_TWICE = b"\x80\x02](" + 2 * text("0") + b"e."
OLD_FILES = {
    "another version": (in_a_row(ONE, FOUR_IN_A_ROW, version=b"\x80\x02M\xea\x03."), "other than 1001"),
    "big-endian": (in_a_row(ONE, FOUR_IN_A_ROW, machine=MACHINE.replace(b"\x88u", b"\x89u")), "big-endian"),
    "nothing about the machine": (in_a_row(ONE, FOUR_IN_A_ROW, machine=b"\x80\x02]."), "big-endian"),
    "cut off in a pickle": (in_a_row(ONE, FOUR_IN_A_ROW)[:100], "is not what torch.save"),
    "cut off in a storage": (in_a_row(ONE, FOUR_IN_A_ROW)[:-1], "does not have the 4 numbers"),
    "more at the end": (in_a_row(ONE, FOUR_IN_A_ROW) + b"x", "or more after them"),
    "no storage": (in_a_row(ONE, {}), "storages without numbers"),
    "a storage twice": (in_a_row(ONE, FOUR_IN_A_ROW, keys=STORED_TWICE), "or has it twice"),
    "a storage of no tensor": (in_a_row(ONE, FOUR_IN_A_ROW | {"1": (4, FOUR["0"])}), "does not name"),
    "keys that are numbers": (in_a_row(ONE, FOUR_IN_A_ROW, keys=b"\x80\x02](K\x00e."), "no list of texts"),
    "keys in a dict": (in_a_row(ONE, FOUR_IN_A_ROW, keys=b"\x80\x02}."), "no list of texts"),
    "another count": (in_a_row(ONE, {"0": (5, FOUR["0"])}), "does not have the 4 numbers"),
    "2^40 numbers": (in_a_row(one("0", "FloatStorage", 2**40, [4], [1]), {}), "more memory than"),
    "fewer than 0": (in_a_row(one("0", "FloatStorage", -4, [4], [1]), {}), "a size or a view that no storage has"),
    "a view beyond": (
        in_a_row(one("0", "FloatStorage", 4, [1], [1], view=b"(" + text("1") + numbers([3, 2])[1:]), FOUR_IN_A_ROW),
        "a view reaches beyond its storage",
    ),
    "a view of two": (
        in_a_row(one("0", "FloatStorage", 4, [1], [1], view=numbers([3, 2])), FOUR_IN_A_ROW),
        "a size or a view",
    ),
    "another dtype": (
        in_a_row(pickled([(s, tensor("0", s, 4, [4], [1])) for s in ("FloatStorage", "IntStorage")]), FOUR_IN_A_ROW),
        "its pickle refers to 4 of int32",
    ),
}


def test_a_file_of_before_1_6_that_is_whole_is_read(tmp_path):
    """OLD_FILES differ from it in one thing each."""
    found = read(str(saved(tmp_path / "sd.pt", in_a_row(ONE, FOUR_IN_A_ROW))))
    assert found["0.weight"].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(("content", "said"), OLD_FILES.values(), ids=OLD_FILES)
def test_a_broken_file_of_before_1_6_gets_one_sentence(tmp_path, content, said):
    path = saved(tmp_path / "sd.pt", content)
    with pytest.raises(fastnn.ModelFormatError, match=said) as error:
        read(str(path))
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_state_dict_gets_one_sentence(tmp_path, content):
    path = saved(tmp_path / "sd.pt", content)
    with pytest.raises(fastnn.ModelFormatError) as error:
        from_torch_state_dict(path, ["relu"])
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


# What PyTorch writes and fastnn does not read: what the sentence says to do instead.
OTHER_FILES = {
    "TorchScript": (
        archive(pickled([]), {}, root="ts/").replace(b"ts/byteorder", b"ts/code/x.py"),
        "export it to ONNX",
    ),
    "torch.export": (
        archive(pickled([]), {}).replace(b"/data.pkl", b"/data/w.x").replace(b"byteorder", b"models/.j"),
        "export it to ONNX",
    ),
    "a checkpoint": (
        archive(pickled([("net", b"}(" + text("w") + tensor("0", "FloatStorage", 4, [4], [1]) + b"u")]), FOUR),
        "take it with prefix='net.'",
    ),
    "expanded": (archive(one("0", "FloatStorage", 4, [9, 4], [0, 1]), FOUR), "save its clone() instead"),
}


@pytest.mark.parametrize(("content", "advice"), OTHER_FILES.values(), ids=OTHER_FILES)
@pytest.mark.parametrize("layers", [None, ["relu"]])
def test_other_files_of_pytorch_get_a_sentence_that_says_what_to_do(tmp_path, content, advice, layers):
    path = saved(tmp_path / "sd.pt", content)
    with pytest.raises(fastnn.ModelFormatError) as error:
        fastnn.load_model(path, layers=layers)
    assert advice in str(error.value)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize("before_1_6", [False, True])
def test_a_damaged_file_is_refused_or_read_never_worse(tmp_path, before_1_6):
    whole = state_dict_bytes(weights(3, 4, 2), before_1_6)
    generator = np.random.default_rng(0)
    damaged = [whole[:length] for length in range(0, len(whole), 29)]
    for _ in range(1000):
        content = bytearray(whole)
        content[generator.integers(len(whole))] = generator.integers(256)
        damaged.append(bytes(content))
    refused = 0
    for content in damaged:
        try:
            from_torch_state_dict(saved(tmp_path / "sd.pt", content), ["relu", "linear"])
        except ValueError:  # ModelFormatError, or one that says that other modules are in it
            refused += 1
    assert refused > len(damaged) / (4 if before_1_6 else 2)  # no checksum


@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<f2", "<u2"])
def test_a_file_of_before_1_6_has_the_same_tensors_as_a_new_one(tmp_path, dtype):
    arrays = {name: (100 * array).astype(dtype) for name, array in weights(3, 40, 2).items()}
    arrays["none.weight"] = np.zeros((0, 3), dtype)
    new = read(str(saved(tmp_path / "new.pt", state_dict_bytes(arrays))))
    old = read(str(saved(tmp_path / "old.pt", state_dict_bytes(arrays, before_1_6=True))))
    assert list(old) == list(arrays)
    for name, array in new.items():
        assert old[name].dtype == array.dtype
        np.testing.assert_array_equal(old[name], array)


def test_a_view_of_a_storage_of_before_1_6_begins_where_it_says(tmp_path):
    view = b"(" + text("1") + integer(2) + integer(3) + b"t"
    entries = [
        ("whole", tensor("0", "FloatStorage", 6, [6], [1], view=b"N")),
        ("part", tensor("0", "FloatStorage", 6, [2], [1], offset=1, view=view)),
    ]
    content = in_a_row(pickled(entries), {"0": (6, np.arange(6, dtype="<f4").tobytes())})
    assert read(str(saved(tmp_path / "sd.pt", content)))["part"].tolist() == [3, 4]


def test_what_python_2_and_pytorch_0_3_wrote_is_read(tmp_path):
    weight = tensor("0", "FloatStorage", 4, [2, 2], [2, 1]).replace(b"_rebuild_tensor_v2", b"_rebuild_tensor")
    weight = weight[: weight.index(b"\x89ccollections")] + b"tR"
    pair = b"](U\x080.weight" + weight + b"e"  # OrderedDict([["0.weight", tensor]]), whose texts are Python 2's
    content = in_a_row(b"\x80\x02ccollections\nOrderedDict\n](" + pair + b"e\x85R.", FOUR_IN_A_ROW)
    assert read(str(saved(tmp_path / "sd.pt", content)))["0.weight"].tolist() == [[1, 1], [1, 1]]
    content = content.replace(pair, b"]e".replace(b"e", b""))
    with pytest.raises(fastnn.ModelFormatError, match="something else than pairs"):
        read(str(saved(tmp_path / "sd.pt", content)))


def test_pickles_of_before_1_6_have_a_limit(tmp_path):
    content = in_a_row(pickled([("x" * (1 << 20), b"N")]), {})
    with pytest.raises(fastnn.LimitError, match=r"more than 524288 bytes.*save the state_dict\(\) alone"):
        read(str(saved(tmp_path / "sd.pt", content)))


def test_missing_file_is_filenotfounderror(tmp_path):
    with pytest.raises(FileNotFoundError):
        from_torch_state_dict(tmp_path / "missing", ["relu"])
