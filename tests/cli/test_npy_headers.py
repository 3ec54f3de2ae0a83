"""Headers of .npy files, which are expressions of Python: broken ones give one line, and no warning of NumPy's."""

import numpy as np
import pytest

from sequentials import network

SHAPE = "{'descr': '<f8', 'fortran_order': False, 'shape': %s}"
DESCR = "{'descr': %s, 'fortran_order': False, 'shape': (0, 2)}"
REFUSED = "expected a NumPy .npy file of numbers; "
BROKEN = {
    "brackets without end": ("{'descr': '<f8', 'fortran_order': ((((((((", REFUSED + "its header cannot be read"),
    "indentation": ("  x\n y\n z", REFUSED + "its header cannot be read"),
    "9,000 signs": ("-" * 9_000, REFUSED),
    "9,000 signs of a number": ("-" * 9_000 + "1", REFUSED),
    "9,000 brackets": ("(" * 9_000 + ")" * 900, REFUSED),
    "key that has no hash": ("{[1]: 2}", REFUSED + "its header cannot be read"),
    "key missing": ("{'descr': '<f8'}", REFUSED),
    "no dict": ("3", REFUSED),
    "dtype of no field": (DESCR % "[('a',)]", REFUSED),
    "dtype with an escape": (DESCR % "'\\d'", REFUSED),
    "Python 2's numbers": (SHAPE % "(5L, 2L)", REFUSED + "its header says (5, 2)"),
    "more rows than an integer": (SHAPE % "(9223372036854775807, 2)", REFUSED + "its header says"),
    "no rows, of more numbers than an integer": (SHAPE % "(0, 99999999999999999999)", REFUSED + "its header says (0,"),
    "rows beyond an integer, of no numbers": (SHAPE % "(99999999999999999999, 0)", REFUSED + "its header says (99"),
    "truth as a number of rows": (SHAPE % "(True, 2)", REFUSED + "its header says (True, 2)"),
    "truth as no rows": (SHAPE % "(False, 2)", REFUSED + "its header says (False, 2)"),
    "text of no letters": (
        "{'descr': '<U0', 'fortran_order': False, 'shape': (9223372036854775807, 2)}",
        "expected a 2-D array of numbers",
    ),
    "no numbers, in very many rows": (SHAPE % "(4611686018427387904, 4, 0)", REFUSED),
}


def npy(header, version=1):
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + bytes((version, 0)) + len(text).to_bytes(2 * version, "little") + text


@pytest.mark.parametrize(("header", "words"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("version", [1, 2])
def test_broken_header_gives_one_line(run, tmp_path, monkeypatch, header, words, version):
    monkeypatch.chdir(tmp_path)
    network([2, 3], ["linear"], "float32").save("m.safetensors")
    (tmp_path / "x.npy").write_bytes(npy(header, version))
    code, out, err = run("predict", "m.safetensors", "x.npy")
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert f"fastnn: x.npy: {words}" in err
    assert len(err) < 400
    assert not err.endswith(":\n")


def test_numbers_of_python_2_are_read_without_a_warning(run, tmp_path):
    network([2, 3], ["linear"], "float32").save(tmp_path / "m.safetensors")
    np.save(tmp_path / "new.npy", np.ones((5, 2)))
    (tmp_path / "old.npy").write_bytes(npy(SHAPE % "(5L, 2L)") + np.ones((5, 2)).tobytes())
    answers = [run("predict", tmp_path / "m.safetensors", tmp_path / name)[:2] for name in ("new.npy", "old.npy")]
    assert answers[0] == answers[1] == (0, answers[0][1])
