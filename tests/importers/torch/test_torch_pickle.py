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
from state_dicts import archive, integer, numbers, pickled, saved, state_dict_bytes, tensor, text, weights


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


def one(*arguments, **options):
    return pickled([("0.weight", tensor(*arguments, **options))])


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
@pytest.mark.slow
def test_a_pickle_takes_no_more_memory_and_time_than_its_file_is_worth(tmp_path, pickle):
    path = saved(tmp_path / "sd.pt", archive(pickle, FOUR))
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
def test_a_storage_of_many_tensors_is_read_once(tmp_path, storage, dtype):
    numbers = np.ones(10**6, dtype)
    entries = [(f"{i}.weight", tensor("0", storage, 10**6, [1000, 1000], [1000, 1])) for i in range(100)]
    path = saved(tmp_path / "sd.pt", archive(pickled(entries), {"0": numbers.tobytes()}))
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
    "before 1.6": (bytes.fromhex("80028a0a6cfc9c46f9206aa850192e80024de9032e"), "save its state_dict() again"),
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


def test_a_damaged_file_is_refused_or_read_never_worse(tmp_path):
    whole = state_dict_bytes(weights(3, 4, 2))
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
    assert refused > len(damaged) / 2


def test_missing_file_is_filenotfounderror(tmp_path):
    with pytest.raises(FileNotFoundError):
        from_torch_state_dict(tmp_path / "missing", ["relu"])
