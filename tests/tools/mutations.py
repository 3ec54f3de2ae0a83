"""Mutation testing: break one line of C++ at a time and see whether an everyday test fails.

    pip install '.[dev,frameworks]' && python tests/tools/mutations.py          # all mutations, hours
    python tests/tools/mutations.py 0 7                                         # these only

This works on a copy of the tree, which must pass its tests unchanged. Then each mutation is applied, built and tested
until the first failure: by the likely tests first, and if it survives them by all others. The exit code is 1 if more
than one in ten mutations survives.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# folder under cpp/ -> the tests that are likely to fail
LIKELY = {
    "kernels": "golden programs numerics layers_of_units activations out_of_bounds",
    "core": "blocks thread_pool programs real_time golden fingerprint core cpp_library shared_work",
    "io": "malformed_models model_file model_limits models classes saving layers_of_units safetensors_file",
    "python": "inputs outputs arguments calls classes",
    "single_header": "header_export header_names",
}

# (file under cpp/, text that it contains once, replacement)
MUTATIONS = [
    ("kernels/sums.hpp", "c[j] = c[j] + c[j + width]", "c[j] = c[j + width] + c[j] * 1.0000001f"),
    ("kernels/tile.hpp", "if (k + i < steps) step(i % kCount)", "if (k + i + 1 < steps) step(i % kCount)"),
    ("kernels/tile.hpp", "from.splatted += pass * o.splat_k", "from.splatted += o.splat_k"),
    ("kernels/tile.hpp", "static_cast<std::size_t>(pass)) / kPasses", "1 - static_cast<std::size_t>(pass)) / kPasses"),
    ("kernels/tile.hpp", "w / V == G - 1 ? o.last", "w / V == G ? o.last"),
    ("kernels/tile.hpp", "at_least(threshold, sum_by_halves(sums[u][w]))", "sum_by_halves(sums[u][w])"),
    ("kernels/tile.hpp", "w / V == G - 1 ? s.answer_width : kPanelUnits<T>", "kPanelUnits<T>"),
    ("kernels/tile.hpp", "with_one_nan<T>(y)", "y"),
    ("kernels/dots.hpp", "chains[r][n][0][0] = layer", "chains[r][n][0][1] = layer"),
    ("kernels/dots.hpp", "sums[i] = sums[i] + sums[i + width]", "sums[i] = sums[i + width]"),
    ("kernels/dots.hpp", "sums[n][first + r] = some[r * U + n]", "sums[n][first + r] = some[r * U]"),
    ("kernels/dots.hpp", "at_least(splat(threshold), sums_of_lanes<T>(sums[n]))", "sums_of_lanes<T>(sums[n])"),
    ("kernels/fours.hpp", "even = a + c, odd = b + d", "even = a + c, odd = b"),
    ("kernels/fours.hpp", ": splat(-0.0f)", ": splat(0.0f)"),
    ("kernels/fours.hpp", "in_last <= kFour / 2", "in_last < kFour"),
    ("kernels/shapes.hpp", "width <= kPanelUnits<T> / 2", "width < kPanelUnits<T>"),
    ("kernels/dense.hpp", "ends ? threshold : -kInfinity<T>", "threshold"),
    ("kernels/dense.hpp", "k == 0 ? layer.of_units[0] + panel * P : to", "layer.of_units[0] + panel * P"),
    ("kernels/dense.hpp", "row + stride(unit) * y.column_stride, y", "row + stride(first) * y.column_stride, y"),
    ("kernels/dense.hpp", "in_last > 0 && in_last <= kLanes<T>", "in_last > 0"),
    ("kernels/copy.hpp", "return x == x ? x : splat(kNaN<T>)", "return x"),
    ("kernels/copy.hpp", "if (i < length) store_first", "if (i + 1 < length) store_first"),
    ("kernels/copy.hpp", "lines - i < L ? lines - i : L", "L"),
    ("kernels/elementwise.inc.hpp", "second = load(data + step)", "second = load(data)"),
    ("kernels/elementwise.inc.hpp", "if (vectors > 0) store", "if (vectors > 1) store"),
    ("kernels/vector_runs.hpp", "i < vectors; ++i) apply", "i + 1 < vectors; ++i) apply"),
    ("kernels/simd.hpp", "to + (n & 6)", "to + (n & 4)"),
    ("kernels/look_up.hpp", "kBlock == 4 ? 2 : 1, 1, 3", "kBlock == 4 ? 1 : 1, 2, 3"),
    ("kernels/tanh_by_fours.hpp", "found[v] == Vector<float>{} ? t[v]", "found[v] > splat(1.0f) ? t[v]"),
    ("kernels/tanh_by_fours.hpp", "vectors > 0; --vectors", "vectors > 1; --vectors"),
    ("kernels/math.hpp", "u < splat<T>(T(2.5)) ? a", "u < splat<T>(T(2.25)) ? a"),
    ("kernels/math.hpp", "fma(y.remainder, y.inverse, y.quotient)", "y.quotient"),
    (
        "kernels/math.hpp",
        "const Vector<T> r = (fma(n, splat<T>(-Table::kLn2Rest), coarse)",
        "const Vector<T> r = (coarse",
    ),
    ("kernels/whole_rows.hpp", "found = row[n] > found ? row[n] : found", "found = row[n] < found ? row[n] : found"),
    ("kernels/whole_rows.hpp", "n < padded; ++n) row[n] = none", "n + 1 < padded; ++n) row[n] = none"),
    ("kernels/whole_rows.hpp", "return x < T{0} ? row.of_units(scale, n) * x : x", "return row.of_units(scale, n) * x"),
    ("core/blocks.hpp", "n / shares * i + std::min(i, n % shares)", "n / shares * i"),
    ("core/blocks.hpp", "left_ = rows % grain_;", "left_ = rows % whole;"),
    ("core/forward.cpp", "if (layer.takes_whole_rows)", "if (few && layer.takes_whole_rows)"),
    ("core/forward.cpp", "output(i) + row * layer.units", "output(i) + row * network_.inputs"),
    ("core/forward.cpp", "stopped_.store(true", "stopped_.store(false"),
    ("core/packing.hpp", "std::fill(place, free, T{-0.0})", ""),
    ("core/chains.hpp", "units < 4 ? 16", "units < 3 ? 16"),
    ("core/floating_point_mode.hpp", "if ((saved_ & ~kStatus) != kDefault) write(saved_)", ""),
    ("core/dispatch.cpp", "if (isa.name == name && isa.supported())", "if (isa.name == name)"),
    ("io/safetensors.cpp", "if (entry.begin != end) {", "if (entry.begin < end) {"),
    ("io/safetensors.cpp", "if (end != data_size) {", "if (end > data_size) {"),
    ("io/safetensors.cpp", "if (size > kMost / bytes)", "if (false)"),
    ("io/json.cpp", "if (!is_new)", "if (open_.empty())"),
    ("io/json.cpp", "if (open_.size() == kMaxJsonDepth)", "if (open_.size() == 1000 * kMaxJsonDepth)"),
    ("io/model_file.cpp", "if (tensor.shape != place.tensor.shape)", "if (tensor.shape.empty())"),
    ("io/model_file.cpp", "if (!missing.empty()) {", "if (missing.size() > 1) {"),
    ("io/config.cpp", "units == 1 ? 2 : units", "units"),
    ("io/config.cpp", "!names.insert(name).second", 'name == "twice"'),
    ("python/arrays.cpp", "dtype.byteorder() == '='", "true"),
    ("python/arrays.cpp", "(reach < 0 ? begin : end) += reach", "end += reach"),
    ("python/arrays.cpp", "if (!array.writeable())", "if (array.size() == 0)"),
    ("python/arrays.cpp", "{half, to.shape(axis)}", "{half, to.shape(axis) - 1}"),
    ("core/model.cpp", "rows > memory_->max_rows", "rows > memory_->max_rows + 1"),
    ("core/model.cpp", "from < to + rows", "from + rows < to + rows"),
    ("core/scratch.hpp", "if (ended) return nullptr", "if (false) return nullptr"),
    ("core/thread_pool.cpp", "[] { pool.store(nullptr); }", "[] {}"),
    ("core/sha256.cpp", "filled + taken == kBlock", "filled + taken > kBlock"),
    ("single_header/one_row.hpp", "half > 0; half /= 2", "half > 1; half /= 2"),
    ("single_header/scalar.hpp", "return unfused(x * b.x)", "return x * b.x"),
    ("python/network.cpp", "!out.is_none() && may_share_memory(input.array, y)", "input.array.is(y)"),
]


def check_table():
    """Exit with an error unless every text to replace is in its file exactly once."""
    for path, old, _ in MUTATIONS:
        found = (ROOT / "cpp" / path).read_text().count(old)
        if found != 1:
            sys.exit(f"{path}: expected {old!r} once; found it {found} times; update MUTATIONS")


class Copy:
    """A copy of the files under version control, and a build of it."""

    def __init__(self, directory):
        self.source, self.build = directory / "source", directory / "build"
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        for name in listed.decode().split("\0")[:-1]:
            (self.source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.source / name)

    def compile(self):
        """Build the copy; return whether it compiles."""
        command = [self.source / "tests/tools/build_module.sh", self.build]
        return subprocess.run(command, capture_output=True).returncode == 0

    def failure(self, files):
        """Run the tests in these files; return the first failure, None if all pass."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no"]
        environment = os.environ | {"PYTHONPATH": str(self.build / "package"), "FASTNN_BUILD": str(self.build)}
        try:
            done = subprocess.run(
                [*command, *files], cwd=self.source, env=environment, capture_output=True, text=True, timeout=3600
            )
        except subprocess.TimeoutExpired:
            return "a hang"
        if done.returncode == 0:
            return None
        return next((line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))), "a crash")

    def likely(self, number):
        """Return the test files that are likely to catch a mutation."""
        names = {f"test_{name}.py" for name in LIKELY[MUTATIONS[number][0].split("/")[0]].split()}
        return sorted(test for test in self.tests() if Path(test).name in names)

    def tests(self):
        """Return all test files."""
        return [str(path.relative_to(self.source)) for path in self.source.glob("tests/**/test_*.py")]

    def others(self, number):
        """Return all other test files, except two that read the source and would catch everything."""
        every = set(self.tests())
        return sorted(every - {*self.likely(number), "tests/test_codebase.py", "tests/tools/test_mutations.py"})

    def survivors(self, chosen, files_for):
        """Return the chosen mutations that no test in files_for(number) catches."""
        if not chosen:
            return []
        every = sorted({file for number in chosen for file in files_for(number)})
        if failed := self.failure(every) if self.compile() else "the compiler":
            sys.exit(f"expected all tests to pass on the unchanged copy; failed: {failed}")
        survivors = []
        for number in chosen:
            path, old, new = MUTATIONS[number]
            file = self.source / "cpp" / path
            text = file.read_text()
            start = time.monotonic()
            file.write_text(text.replace(old, new))
            caught = self.failure(files_for(number)) if self.compile() else "the compiler"
            file.write_text(text)
            survivors += [] if caught else [number]
            print(f"{number:2} {path}: {old} -> {new}\n   {caught or 'SURVIVES'} {time.monotonic() - start:.0f} s")
            sys.stdout.flush()
        return survivors


def main():
    check_table()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it, and so would the tests
    chosen = [int(number) for number in sys.argv[1:]] or range(len(MUTATIONS))
    with tempfile.TemporaryDirectory() as directory:
        copy = Copy(Path(directory))
        survivors = copy.survivors(copy.survivors(chosen, copy.likely), copy.others)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} caught; survivors: {survivors}")
    sys.exit(10 * len(survivors) > len(chosen))


if __name__ == "__main__":
    main()
