"""Files of NNet: the answers are those of its own evaluation, and what is no such file gets one sentence."""

from itertools import pairwise

import numpy as np
import pytest

import fastnn
from arrays import uniform
from processes import run_python

COMMENT = "// The contents of this file are licensed\n// Neural Network File Format by Kyle Julian, Stanford 2016\n"


X3 = uniform(3, (20, 3)).astype("f4")


class Network:
    """A network as NNet keeps it; text() writes it as NNet's writer does, evaluate() computes as its reader."""

    def __init__(self, *sizes):
        self.sizes = sizes
        inputs = sizes[0]
        self.low, self.high = -1.0 - np.arange(inputs), 2.0 + np.arange(inputs)
        self.mean, self.spread = uniform(1, inputs + 1), uniform(2, inputs + 1) + 2
        self.kernels = [uniform(i, (after, before)) for i, (before, after) in enumerate(pairwise(sizes))]
        self.biases = [uniform(9 + i, units) for i, units in enumerate(sizes[1:])]

    def text(self, end=",\n"):
        def line(numbers):
            return ",".join(f"{number:.9e}" for number in numbers) + end

        head = [len(self.sizes) - 1, self.sizes[0], self.sizes[-1], max(self.sizes)]
        lines = [",".join(map(str, numbers)) + end for numbers in (head, self.sizes, [0])]
        lines += map(line, (self.low, self.high, self.mean, self.spread))
        for kernel, bias in zip(self.kernels, self.biases, strict=True):
            lines += [*map(line, kernel), *(line([number]) for number in bias)]
        return COMMENT + "".join(lines)

    def evaluate(self, x):
        x = (np.clip(x, self.low, self.high) - self.mean[:-1]) / self.spread[:-1]
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            x = (np.maximum(x, 0) if i else x) @ kernel.T + bias
        return x * self.spread[-1] + self.mean[-1]


def loaded(path, text):
    path.write_text(text)
    return fastnn.load_model(path)


@pytest.mark.parametrize("sizes", [(5, 50, 50, 5), (1, 1), (2, 7, 1)])
@pytest.mark.parametrize("end", [",\n", "\n", ",\r\n"])
def test_answers_are_those_of_nnet_inside_and_outside_of_the_bounds(path, sizes, end):
    network = Network(*sizes)
    x = 4 * uniform(3, (200, sizes[0])).astype("f4")
    assert (x < network.low).any()
    wanted = network.evaluate(x)
    limit = 1e-6 * np.abs(wanted).max()  # sums of 50 products, from inputs that two roundings moved
    np.testing.assert_allclose(loaded(path, network.text(end)).predict(x), wanted, atol=limit)


def test_the_widest_bounds_of_all_inputs_are_one_exact_clip(path):
    network = Network(3, 4, 2)
    network.low[:], network.high[:] = -3.4e38, 3.4e38
    x = uniform(3, (20, 3)).astype("f4")
    np.testing.assert_allclose(loaded(path, network.text()).predict(x), network.evaluate(x), atol=2e-6)


def test_an_input_whose_bounds_are_one_number_is_that_number(path):
    network = Network(3, 4, 2)
    network.low[1] = network.high[1] = 0.5
    x = uniform(3, (20, 3)).astype("f4")
    np.testing.assert_allclose(loaded(path, network.text()).predict(x), network.evaluate(x), atol=2e-6)


@pytest.mark.parametrize("spread", [0.0, 2.0, -1.0])
@pytest.mark.parametrize("everywhere", [False, True])
def test_an_input_that_is_its_mean_normalizes_to_0_whatever_its_range(path, spread, everywhere):
    """A column that was constant in training has the range 0, and (x - mean) / range is no number."""
    network = Network(3, 4, 2)
    fixed = np.arange(3) if everywhere else np.array([1])
    network.low[fixed] = network.high[fixed] = network.mean[fixed] = 0.25
    network.spread[fixed] = spread
    text, x = network.text(), uniform(3, (20, 3)).astype("f4")
    network.spread[fixed] = 1.0
    np.testing.assert_allclose(loaded(path, text).predict(x), network.evaluate(x), atol=2e-6)


COMMENTS = {
    "none": "",
    "other words": "// Network of a pump\n",
    "several lines": "// a\n//\n\n  // c: 1,2,3\n",
    "Windows": "// Network of a pump\r\n",
    "a byte order mark": "\ufeff// Network of a pump\n",
}


@pytest.mark.parametrize("comment", COMMENTS.values(), ids=COMMENTS)
@pytest.mark.parametrize("end", [",\n", "\n", ",\r\n"])
def test_a_file_is_known_by_its_sizes_whatever_its_comments_say(path, comment, end):
    network = Network(3, 4, 4, 2)
    text = network.text(end).replace(COMMENT, comment)
    np.testing.assert_array_equal(loaded(path, text).predict(X3), loaded(path, network.text()).predict(X3))


OTHERS = {
    "a program": "// Network of a pump\nint main() { return 0; }\n",
    "a comment alone": "// Network of a pump\n",
    "a table": "3,5,7,9\n5,1,2,7\n3,1,2,6\n",
    "a table of other sizes": "1,2,3,4\n2,4\n0\n",
    "numbers": "1\n2\n3\n",
    "decimals": "1,1,1,1.5\n1,1\n0\n",
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_text_that_has_no_sizes_of_layers_is_no_network(path, text):
    with pytest.raises(fastnn.ModelFormatError, match="looks like (text|a table)"):
        loaded(path, text)


def changed(**attributes):
    network = Network(2, 3, 1)
    vars(network).update(attributes)
    return network.text()


BROKEN = {
    "cut off": (Network(2, 3, 1).text()[:-30], "numbers; expected 3"),
    "one more number": (Network(2, 3, 1).text() + "1,", "numbers; expected"),
    "a word": (Network(2, 3, 1).text() + "x", "something else than comments"),
    "no numbers": (COMMENT, "has no sizes of layers"),
    "a size of 0": (COMMENT + "1,0,1,1,\n0,1,\n", "has the size 0"),
    "a size that is no whole number": (COMMENT + "1,1.5,1,1,\n1,1,\n", "has the size 1.5"),
    "a size of 2^40": (COMMENT + "1,1099511627776,1,1,\n1,1,\n", "has the size 1.09951e"),
    "layers of other sizes": (COMMENT + "1,2,1,2,\n3,1,\n", "2 inputs and 1 outputs, and layers of the sizes"),
    "a million layers": (COMMENT + "1000000,1,1,1,\n1,1,\n", "layers of the sizes"),
    "an enormous layer": (COMMENT + "1,2000000000,2000000000,2,\n2000000000,2000000000,\n", "numbers; expected"),
    "bounds the wrong way": (changed(low=np.array([5.0, 0.0])), "a minimum above its maximum"),
    "a range of 0": (changed(spread=np.zeros(3)), "a range that is not above 0"),
    "bounds far apart": (changed(high=np.array([1e9, 1.0])), "bounds of inputs that differ"),
    "a long file": (COMMENT + "1," * (1 << 21), "the most that fastnn reads"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_in_one_sentence(path, text, said):
    with pytest.raises(fastnn.ModelFormatError, match=said) as raised:
        loaded(path, text)
    assert str(raised.value).startswith(f"{path}: ")
    assert str(raised.value).isprintable()


def test_a_network_knows_its_own_layers(path):
    path.write_text(Network(2, 1).text())
    with pytest.raises(ValueError, match="received an NNet network"):
        fastnn.load_model(path, layers=["relu"])


def test_a_damaged_file_is_refused_or_read_never_worse(path):
    whole = Network(2, 3, 1).text().encode()
    generator = np.random.default_rng(0)
    refused = 0
    for _ in range(500):
        content = bytearray(whole)
        content[generator.integers(len(COMMENT), len(whole))] = generator.integers(256)
        path.write_bytes(content)
        try:
            assert fastnn.load_model(path).input_shape == (None, 2)
        except fastnn.ModelFormatError as error:
            assert str(error).isprintable()
            refused += 1
    assert refused > 100


def test_a_file_takes_no_more_memory_than_it_is_worth(path):
    path.write_text(COMMENT + "1,1000,1000,1000,1000,1000," + "1 " * ((1 << 21) - 100))
    code = (
        "import sys, fastnn, fastnn.saving.formats, processes\n"
        "processes.limit_memory(2 * int(sys.argv[2]) + (64 << 20))\n"
        "try: fastnn.load_model(sys.argv[1])\n"
        "except fastnn.ModelFormatError as error: print(error)"
    )
    assert "numbers; expected" in run_python(code, path, path.stat().st_size)
