"""Random numbers: known answers, golden hashes, distributions, and that purposes, rows and steps are independent."""

import hashlib

import numpy as np
import pytest

from fastnn import _core

NOISE = {"float32": _core.noise32, "float64": _core.noise64}


def sha(*arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(each).tobytes() for each in arrays)).hexdigest()[:16]


def masks(rows, units, rate=0.3, seed=1, layer=0, step=0, noise=_core.noise32):
    return np.array([noise("dropout", rate, seed, layer, step, row, units)[0] for row in rows])


@pytest.mark.parametrize(
    ("key", "high", "low", "block"),
    [
        (0, 0, 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (2**64 - 1, 2**64 - 1, 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            0x299F31D0A4093822,
            0x0370734413198A2E,
            0x85A308D3243F6A88,
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_has_the_known_answers_of_its_authors(key, high, low, block):
    assert _core.philox(key, high, low) == block


def test_the_bits_of_random_numbers_never_change():
    assert sha(_core.uniform(1001, 7, 3)) == "323ecf868e6d891b"
    assert sha(_core.normal(1001, 7, 3)) == "41670c1850ad3004"
    assert sha(_core.permutation(1001, 7, 3)) == "26b15c608bb83b4e"
    for dtype, hashes in HASHES.items():
        assert [sha(*NOISE[dtype](kind, 0.3, 7, 2, 9, 4, 1001)) for kind in hashes] == list(hashes.values())


HASHES = {
    "float32": {
        "dropout": "fc10ff7390b540e3",
        "alpha_dropout": "ae2c6e8954e0cd23",
        "gaussian_noise": "c6147fc6b3856810",
    },
    "float64": {
        "dropout": "6a32a3eda3fb5f05",
        "alpha_dropout": "ca69167b7aadbbc4",
        "gaussian_noise": "b7d51e0a2c3467a7",
    },
}


def test_a_number_does_not_depend_on_how_many_are_drawn():
    for count in (0, 1, 2, 3, 64, 65):
        assert (_core.uniform(count, 1, 2) == _core.uniform(100, 1, 2)[:count]).all()
        assert (_core.normal(count, 1, 2) == _core.normal(100, 1, 2)[:count]).all()
        for kind in ("dropout", "alpha_dropout", "gaussian_noise"):
            few, many = (_core.noise64(kind, 0.4, 1, 0, 0, 5, units) for units in (count, 1000))
            for a, b in zip(few, many, strict=True):
                assert (a == b[:count]).all()


def test_uniform_and_normal_numbers_have_their_moments():
    n = 1_000_000
    u, z = _core.uniform(n, 3, 1), _core.normal(n, 3, 1)
    assert u.min() >= 0
    assert u.max() < 1
    counts = np.bincount((u * 100).astype(int), minlength=100)
    assert ((counts - n / 100) ** 2 / (n / 100)).sum() < 160  # chi², 99 degrees of freedom: above 160 once in 10,000
    for moment, expected, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**moment).mean() - expected) < 5 * (variance / n) ** 0.5
    assert abs(np.corrcoef(z[::2], z[1::2])[0, 1]) < 5 / (n / 2) ** 0.5


@pytest.mark.parametrize("n", [0, 1, 2, 3, 17, 1000])
def test_a_permutation_has_every_number_once(n):
    order = _core.permutation(n, 5, 0)
    assert order.dtype == np.int64
    assert (np.sort(order) == np.arange(n)).all()


def test_every_order_is_equally_likely():
    """No modulo bias: each number at each place, and all orders of four, as often as chance says."""
    n, epochs = 11, 20_000
    places = np.zeros((n, n))
    for epoch in range(epochs):
        places[np.arange(n), _core.permutation(n, 1, epoch)] += 1
    assert ((places - epochs / n) ** 2 / (epochs / n)).sum() < 165  # 100 degrees of freedom
    orders = [tuple(_core.permutation(4, seed, 0)) for seed in range(12_000)]
    counts = np.array([orders.count(each) for each in set(orders)])
    assert counts.size == 24
    assert ((counts - 500) ** 2 / 500).sum() < 58  # 23 degrees of freedom


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_dropout_keeps_units_at_its_rate(rate, dtype):
    kept = masks(range(400), 257, rate, noise=NOISE[dtype])
    assert set(np.unique(kept)) <= {0.0, np.dtype(dtype).type(1 / (1 - rate)) if rate < 1 else 0.0}
    assert abs((kept == 0).mean() - rate) <= 5 * (rate * (1 - rate) / kept.size) ** 0.5 + 2**-17


@pytest.mark.parametrize(
    "other", [{"seed": 2}, {"layer": 1}, {"step": 1}, {"step": 2**32}, {"rows": range(1, 401)}], ids=str
)
def test_masks_of_seeds_layers_steps_and_rows_are_independent(other):
    first = masks(**{"rows": range(400), "units": 257}) == 0
    second = masks(**{"rows": range(400), "units": 257} | other) == 0
    agree = 0.3 * 0.3 + 0.7 * 0.7
    assert abs((first == second).mean() - agree) < 5 * (agree * (1 - agree) / first.size) ** 0.5


def test_masks_of_neighbouring_units_are_independent():
    dropped = masks(range(2000), 256) == 0
    for distance in (1, 2, 4, 8, 16, 32, 64):
        together = (dropped[:, distance:] & dropped[:, :-distance]).mean()
        assert abs(together - 0.09) < 6 * (0.09 * 0.91 / dropped[:, distance:].size) ** 0.5


def test_alpha_dropout_keeps_mean_and_variance():
    x = _core.normal(400_000, 1, 1)
    multipliers, addends = _core.noise64("alpha_dropout", 0.2, 1, 0, 0, 0, x.size)
    y = x * multipliers + addends
    assert abs(y.mean()) < 0.01
    assert abs(y.var() - 1) < 0.01


def test_gaussian_noise_has_its_standard_deviation():
    multipliers, addends = _core.noise64("gaussian_noise", 0.2, 1, 0, 0, 0, 400_000)
    assert (multipliers == 1).all()
    assert abs(addends.std() / 0.2 - 1) < 0.01
    assert abs(addends.mean()) < 0.002


def test_purposes_have_streams_of_their_own():
    same = [_core.uniform(4, 1, stream) for stream in range(3)] + [_core.uniform(4, 2, 0)]
    assert len({each.tobytes() for each in same}) == 4
    assert not (_core.permutation(50, 1, 0) == np.argsort(_core.uniform(50, 1, 0))).all()


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (64, 64), (200, 100)])
def test_orthonormal_columns_are_orthonormal_and_keep_their_span(shape):
    a = _core.normal(shape[0] * shape[1], 1, 1).reshape(shape)
    q = _core.orthonormal(a)
    r = q.T @ a
    assert np.abs(q.T @ q - np.eye(shape[1])).max() < 1e-14
    assert np.allclose(q @ r, a, atol=1e-12)
    assert np.allclose(r, np.triu(r), atol=1e-11)
    assert (np.diag(r) > 0).all()
    with pytest.raises(ValueError, match=r"^expected a matrix with at least as many rows as columns; received shape "):
        _core.orthonormal(np.ones((2, 3)))
