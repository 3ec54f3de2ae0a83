"""Numbers of ONNX models in other files: of the model's own folder alone, through no link, as many as are there."""

import os

import numpy as np
import pytest

from fastnn import ModelFormatError, UnsupportedModelError

pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
from onnx import external_data_helper

from onnx_graphs import KERNEL, dense, refused, saved
from opened import load_onnx as load


def external(proto, **entries):
    """Move the kernel's numbers to a place of these entries."""
    kernel = proto.graph.initializer[0]
    kernel.ClearField("raw_data")
    kernel.data_location = 1
    for key, value in entries.items():
        kernel.external_data.add(key=key, value=value)
    return proto


LOCATIONS = ["../m.data", "a/../../m.data", "/etc/passwd", "//m.data", "", ".", "..", "a/..", "m.data/", "m.data\0x"]
LOCATIONS += ["/proc/self/mem", "./../m.data"]


@pytest.mark.parametrize("location", LOCATIONS)
def test_numbers_outside_the_folder_are_not_opened(location, tmp_path, monkeypatch):
    folder = tmp_path / "deep" / "deeper"
    folder.mkdir(parents=True)
    for place in (tmp_path, folder.parent):
        (place / "m.data").write_bytes(KERNEL.tobytes())
    path = saved(folder / "m.onnx", external(dense(), location=location))
    opened = []
    monkeypatch.setattr(external_data_helper, "_open_external_data_fd", lambda *args: opened.append(args))
    with pytest.raises(ModelFormatError, match=r"initializer 'w' is in the file .*; expected one in the folder"):
        load(path)
    assert not opened


INSIDE = [
    "m.data",
    "./m.data",
    "a/m.data",
    "a//m.data",
    "a/./m.data",
    "a/../m.data",
    "a:b.data",
    "w#1.data",
    "a\\b.data",
    "..data",
]


@pytest.mark.parametrize("location", INSIDE)
def test_numbers_in_the_folder_are_read_whatever_their_files_name(location, tmp_path):
    place = tmp_path / os.path.normpath(location)
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(KERNEL.tobytes())
    model = load(saved(tmp_path / "m.onnx", external(dense(), location=location)))
    np.testing.assert_array_equal(model.layers[0].kernel, KERNEL)


def twice(path):
    """A model whose kernel is in a file, and a second tensor of the same bytes."""
    path.write_bytes(bytes(64))
    proto = external(dense(), location=path.name, offset="4")
    again = proto.graph.initializer.add()
    again.CopyFrom(proto.graph.initializer[0])
    again.name = "again"
    return proto, again


def test_one_file_by_two_names_is_no_more_than_it_has(tmp_path):
    proto, again = twice(tmp_path / "m.data")
    again.external_data[0].value = "./m.data"
    again.external_data[1].value = "0"
    with pytest.raises(ModelFormatError, match="that others have"):
        load(saved(tmp_path / "m.onnx", proto))


@pytest.mark.parametrize("kind", ["symlink", "folder symlink", "hard link", "fifo", "folder", "device"])
def test_links_and_other_things_than_files_are_refused(kind, tmp_path):
    folder, secret = tmp_path / "model", tmp_path / "secret"
    folder.mkdir()
    secret.mkdir()
    (secret / "m.data").write_bytes(KERNEL.tobytes())
    location = "m.data"
    if kind == "symlink":
        (folder / "m.data").symlink_to(secret / "m.data")
    elif kind == "device":
        (folder / "m.data").symlink_to("/dev/zero")
    elif kind == "folder symlink":
        (folder / "deep").symlink_to(secret)
        location = "deep/m.data"
    elif kind == "hard link":
        os.link(secret / "m.data", folder / "m.data")
    elif kind == "fifo":
        os.mkfifo(folder / "m.data")
    else:
        (folder / "m.data").mkdir()
    with pytest.raises(ModelFormatError, match="a regular file without links"):
        load(saved(folder / "m.onnx", external(dense(), location=location)))


def test_missing_data_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds weights of the model: put it beside.*m\.data"):
        load(saved(tmp_path / "m.onnx", external(dense(), location="m.data")))


ENTRIES = [
    {"offset": "-1"}, {"offset": "61"}, {"length": "59"}, {"length": "61"}, {"length": "-60"}, {"offset": "1"},
    {"offset": "9" * 18}, {"offset": "9" * 30}, {"offset": "x"}, {"offset": " 0"}, {"offset": "0x0"}, {"offset": ""},
    {"offset": "\u0660"}, {"offset": "0.0"}, {"strange": "1"}, {"basepath": ".."},
]  # fmt: skip


@pytest.mark.parametrize("entries", ENTRIES, ids=repr)
def test_places_that_do_not_fit_are_refused(entries, tmp_path):
    (tmp_path / "m.data").write_bytes(KERNEL.tobytes())
    with pytest.raises(ModelFormatError, match="initializer 'w' "):
        load(saved(tmp_path / "m.onnx", external(dense(), location="m.data", **entries)))


def test_a_key_twice_is_refused(tmp_path):
    (tmp_path / "m.data").write_bytes(KERNEL.tobytes())
    proto = external(external(dense(), location="m.data"), location="m.data")
    with pytest.raises(ModelFormatError, match="there twice"):
        load(saved(tmp_path / "m.onnx", proto))


def test_data_cannot_be_read_more_often_than_it_is_there(tmp_path):
    """A thousand tensors that overlap would be a thousand times the file in memory."""
    proto, again = twice(tmp_path / "m.data")
    load(saved(tmp_path / "m.onnx", proto))
    again.external_data[1].value = "0"
    with pytest.raises(ModelFormatError, match="bytes of 'm.data' that others have"):
        load(saved(tmp_path / "m.onnx", proto))


def test_external_data_needs_a_folder():
    refused(external(dense(), location="m.data"), "is in another file; expected a folder to find it in")


def test_memory_of_a_process_is_refused(tmp_path):
    path = saved(tmp_path / "m.onnx", external(dense(), location="*/_ORT_MEM_ADDR_/*", offset="4096"))
    with pytest.raises(UnsupportedModelError, match="in the memory of a process"):
        load(path)
