"""Containers of Keras' files, zip and HDF5, that lead to other files or say that they hold more than they do."""

import io
import json
import stat
import struct
import zipfile
import zlib

import pytest

from fastnn import LimitError, ModelFormatError, UnsupportedModelError
from keras_files import BIAS, KERNEL, dense, given, h5py, hdf5, keras_3, legacy, one_dense, saved, sequential
from opened import load_keras as load
from opened import refusal_of_keras as refusal
from processes import run_python

GOOD = sequential(given(), dense())


def members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [(info, archive.read(info)) for info in archive.infolist()]


def archived(entries):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for info, data in entries:
            archive.writestr(info, data)
    return content.getvalue()


def with_member(name, data=b"x", mode=0):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return archived([*members(one_dense()), (info, data)])


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/../../x", "a\\..\\x", "a//b", "./x"])
def test_a_member_that_leads_elsewhere_is_refused(tmp_path, name):
    refusal(tmp_path / "m", with_member(name))


def test_a_link_among_the_members_is_refused(tmp_path):
    refusal(tmp_path / "m", with_member("assets/x", b"/etc/passwd", stat.S_IFLNK | 0o777))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path):
    assert "same name" in refusal(tmp_path / "m", with_member("config.json", b"{}"))


def test_an_encrypted_member_is_refused(tmp_path):
    content = bytearray(one_dense())
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1  # the flag in the list of members
    assert "encrypted" in refusal(tmp_path / "m", bytes(content))


def test_a_list_of_members_that_contradicts_them_is_refused(tmp_path):
    content = bytearray(one_dense())
    refusal(tmp_path / "m", bytes(content).replace(b"model.w", b"Model.w", 1))  # another name than in the list
    content[content.find(b"layers") + 1] ^= 1  # the checksum of the weights
    refusal(tmp_path / "m", bytes(content))


def test_what_follows_or_precedes_the_archive_is_refused(tmp_path):
    refusal(tmp_path / "m", one_dense() + b"\x89PNG")
    refusal(tmp_path / "m", b"#!/bin/sh\n" + one_dense())


def test_a_member_that_unpacks_to_much_is_refused(tmp_path):
    bomb = zipfile.ZipInfo("model.weights.h5")
    bomb.compress_type = zipfile.ZIP_DEFLATED
    weights = hdf5({"layers/dense/vars/0": KERNEL}) + bytes(17 << 20)
    content = archived([*members(keras_3(GOOD, {}, **{"model.weights.h5": None})), (bomb, weights)])
    assert len(content) < 1 << 16
    assert "compressed" in refusal(tmp_path / "m", content, LimitError)
    config = keras_3({"class_name": " " * (3 << 20)}, {}, kind=zipfile.ZIP_DEFLATED)
    assert "config.json" in refusal(tmp_path / "m", config, LimitError)


def test_an_archive_within_the_archive_is_not_unpacked(tmp_path):
    for name in ("model.weights.h5", "config.json"):
        refusal(tmp_path / "m", keras_3(GOOD, {}, **{name: one_dense()}))


def test_a_member_that_says_it_is_smaller_than_it_unpacks_is_refused(tmp_path):
    content = bytearray(keras_3(GOOD, {"dense/vars/0": KERNEL}, kind=zipfile.ZIP_DEFLATED))
    at = content.rfind(b"PK\x01\x02")
    struct.pack_into("<L", content, at + 24, 100)
    refusal(tmp_path / "m", bytes(content))


def lying(plain):
    """A .keras file whose config unpacks to `plain`, and says that it has 100 bytes."""
    content = bytearray(keras_3(GOOD, {}, kind=zipfile.ZIP_DEFLATED, **{"config.json": plain}))
    at = content.find(b"PK\x01\x02", content.find(b"PK\x01\x02") + 4)
    struct.pack_into("<L", content, at + 24, 100)
    return bytes(content)


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_zipfile_unpacks_without_a_limit_is_refused(tmp_path, kind):
    said = refusal(tmp_path / "m", keras_3(GOOD, {"dense/vars/0": KERNEL}, kind=kind), UnsupportedModelError)
    assert "compression" in said


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_that_says_it_is_packed_in_more_than_the_file_is_refused(tmp_path, kind):
    content = bytearray(keras_3(GOOD, {"dense/vars/0": KERNEL}, kind=kind))
    struct.pack_into("<L", content, content.find(b"PK\x01\x02") + 20, 2**31)
    assert "larger than the file" in refusal(tmp_path / "m", bytes(content))


def test_a_list_of_a_million_members_is_refused_before_it_is_read(tmp_path):
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    listed = (entry + b"a") * 30_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 30_000, 30_000, len(listed), 0, 0)
    assert "lists its members" in refusal(tmp_path / "m", b"PK\x03\x04" + listed + end, LimitError)


def weights_file(fill):
    """A .keras file whose weights `fill` writes into the group of the Dense."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        fill(file.create_group("layers/dense/vars"))
    return keras_3(GOOD, {}, **{"model.weights.h5": content.getvalue()})


def test_links_are_not_followed(tmp_path):
    secret = tmp_path / "secret.h5"
    saved(secret, hdf5({"w": KERNEL}))

    def external(group):
        group["0"], group["1"] = h5py.ExternalLink(str(secret), "/w"), BIAS

    def soft(group):
        group["a"], group["0"], group["1"] = KERNEL, h5py.SoftLink("/layers/dense/vars/a"), BIAS
        del group["a"]

    def loop(group):
        group["0"], group["1"] = h5py.SoftLink("/layers/dense/vars/0"), BIAS

    for fill in (external, soft, loop):
        assert "Link" in refusal(tmp_path / "m", weights_file(fill))


def test_groups_that_hold_themselves_are_refused(tmp_path):
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(GOOD)
        group = file.create_group("model_weights/d")
        group["again"] = group
    with pytest.raises(LimitError):
        load(path)


def test_numbers_in_other_files_are_not_opened(tmp_path):
    (tmp_path / "numbers").write_bytes(KERNEL.tobytes())
    path = tmp_path / "m.h5"
    for kind in ("external", "virtual"):
        with h5py.File(path, "w") as file:
            file.attrs["model_config"] = json.dumps(GOOD)
            group = file.create_group("model_weights/d")
            group["bias"] = BIAS
            if kind == "external":
                external = [(str(tmp_path / "numbers"), 0, KERNEL.nbytes)]
                group.create_dataset("kernel", KERNEL.shape, "f4", external=external)
            else:
                layout = h5py.VirtualLayout(KERNEL.shape, "f4")
                layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "w", KERNEL.shape)
                group.create_virtual_dataset("kernel", layout)
        with pytest.raises(ModelFormatError, match="in other files"):
            load(path)


@pytest.mark.parametrize("options", [{}, {"chunks": (1000, 1000)}, {"chunks": (1000, 1000), "compression": "gzip"}])
def test_a_shape_that_the_file_does_not_back_costs_no_memory(tmp_path, options):
    def fill(group):
        group.create_dataset("0", (10**6, 10**6), "f4", **options)
        group["1"] = BIAS

    assert "1000000" in refusal(tmp_path / "m", weights_file(fill), LimitError)


def test_a_dataset_without_numbers_is_refused(tmp_path):
    def fill(group):
        group.create_dataset("0", KERNEL.shape, "f4")
        group["1"] = BIAS

    refusal(tmp_path / "m", weights_file(fill))


def test_small_packed_weights_are_read_and_foreign_filters_are_not(tmp_path):
    def gzip(group):
        group.create_dataset("0", data=KERNEL, chunks=(4, 3), compression="gzip", shuffle=True)
        group["1"] = BIAS

    assert (load(saved(tmp_path / "m", weights_file(gzip))).layers[0].kernel == KERNEL).all()

    def foreign(group):
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((4, 3))
        plan.set_filter(32_000, h5py.h5z.FLAG_OPTIONAL, (1, 2))
        space = h5py.h5s.create_simple(KERNEL.shape)
        dataset = h5py.h5d.create(group.id, b"0", h5py.h5t.IEEE_F32LE, space, plan)
        dataset.write_direct_chunk((0, 0), zlib.compress(KERNEL.tobytes()))
        group["1"] = BIAS

    assert "filter" in refusal(tmp_path / "m", weights_file(foreign), UnsupportedModelError)


def test_a_chunk_that_unpacks_to_more_than_its_shape_is_refused(tmp_path):
    def fill(group):
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((4, 3))
        plan.set_deflate(9)
        space = h5py.h5s.create_simple(KERNEL.shape)
        dataset = h5py.h5d.create(group.id, b"0", h5py.h5t.IEEE_F32LE, space, plan)
        dataset.write_direct_chunk((0, 0), zlib.compress(bytes(1 << 20)))
        group["1"] = BIAS

    assert "unpacks to more than 48 bytes" in refusal(tmp_path / "m", weights_file(fill), LimitError)


@pytest.mark.parametrize("dtype", ["int8", "int32", "bool", "complex64", "S4"])
def test_other_numbers_than_floats_are_refused(tmp_path, dtype):
    def fill(group):
        group["0"], group["1"] = KERNEL.astype("f4").astype(dtype), BIAS

    assert "expected floats" in refusal(tmp_path / "m", weights_file(fill), UnsupportedModelError)


def test_a_string_that_says_it_is_long_is_refused_before_hdf5_believes_it(tmp_path):
    content = bytearray(legacy(GOOD, {"d/kernel": KERNEL, "d/bias": BIAS}))
    length = struct.pack("<L", len(json.dumps(GOOD)))
    content[content.find(length, content.find(b"model_config\0")) + 3] = 255
    assert "string of 42" in refusal(tmp_path / "m", bytes(content), LimitError)


def test_a_free_space_of_no_size_is_refused_before_hdf5_loops_over_it(tmp_path):
    content = bytearray(legacy(GOOD, {"d/kernel": KERNEL, "d/bias": BIAS}))
    at = start = content.find(b"GCOL") + 16
    while content[at] or content[at + 1]:
        at += 16 + (int.from_bytes(content[at + 8 : at + 16], "little") + 7) // 8 * 8
    assert at > start
    content[at + 8 : at + 16] = bytes(8)
    assert "broken at byte" in refusal(tmp_path / "m", bytes(content))


def test_hostile_files_take_little_memory(tmp_path):
    """A process with 64 MiB more address space than it has at the start refuses each, and does not run out of it."""

    def fill(group):
        group.create_dataset("0", (10**5, 10**5), "f4", chunks=(1000, 1000))
        group["1"] = BIAS

    saved(tmp_path / "a", weights_file(fill))
    saved(tmp_path / "b", keras_3({"class_name": "[" * (2 << 20)}, {}, kind=zipfile.ZIP_DEFLATED))
    saved(tmp_path / "g", lying(bytes(200 << 20)))
    for name, value in (("c", "[],"), ("e", "[[]],"), ("f", '[{"":[]}],')):  # as long as may be
        text = "[" + value * ((1 << 20) // len(value) - 2) + "[]]"
        saved(tmp_path / name, keras_3(GOOD, {}, **{"config.json": text}))
    code = (
        "import fastnn, h5py, processes\nfrom opened import load_keras as load\n"
        f"try: load({str(saved(tmp_path / 'd', one_dense()))!r}); load({str(tmp_path / 'a')!r})\n"
        "except fastnn.ModelFormatError: pass\n"
        "processes.limit_memory(64 << 20)\n"
        "for name in 'abcefg':\n"
        f"    try: load({str(tmp_path)!r} + '/' + name)\n"
        "    except fastnn.ModelFormatError as error: print(type(error).__name__)\n"
    )
    assert len(run_python(code).split()) == 6
