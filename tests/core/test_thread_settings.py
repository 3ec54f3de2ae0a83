"""How many threads: what is chosen first, what is refused, what threadpoolctl sees."""

import os
import textwrap

import numpy as np
import pytest

import fastnn
from fastnn._core import most_threads, usable_cpus
from processes import run_python

AFFINITY = len(os.sched_getaffinity(0))
UNSET = ("FASTNN_NUM_THREADS", "OMP_NUM_THREADS", "KMP_DUPLICATE_LIB_OK")  # the last one is set by threadpoolctl


def run(code, **variables):
    return run_python(code, **dict.fromkeys(UNSET) | variables).strip()


@pytest.fixture
def keep_threads():
    before = fastnn.get_num_threads()
    yield
    fastnn.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 2, np.int64(7), most_threads])
def test_a_number_of_threads_can_be_set(keep_threads, threads):
    fastnn.set_num_threads(threads)
    assert fastnn.get_num_threads() == threads
    assert type(fastnn.get_num_threads()) is int


@pytest.mark.parametrize("threads", [0, -1, most_threads + 1, 2**64, -(2**70)])
def test_a_number_of_threads_out_of_range_is_refused(keep_threads, threads):
    before = fastnn.get_num_threads()
    with pytest.raises(
        ValueError, match=f"^expected a number of threads from 1 to {most_threads}; received {threads}$"
    ):
        fastnn.set_num_threads(threads)
    assert fastnn.get_num_threads() == before


@pytest.mark.parametrize("threads", [True, np.True_, 2.0, "2", None, [2]], ids=repr)
def test_what_is_no_integer_is_no_number_of_threads(keep_threads, threads):
    with pytest.raises(TypeError, match="^expected the number of threads to be an integer; received [^\n]+$"):
        fastnn.set_num_threads(threads)


@pytest.mark.parametrize(
    ("own", "openmp", "expected"),
    [
        ("3", "5", 3),
        ("", "5", 5),
        ("", "4,2", 4),
        ("", " 6 , 2", 6),
        ("", "5000", most_threads),
        (str(most_threads), "", most_threads),
        *(("", wrong, usable_cpus()) for wrong in ("", " ", ",2", "0", "-1", "many", "4.5", "\udc80")),
    ],
)
@pytest.mark.slow
def test_the_first_number_comes_from_the_environment_and_the_cpus(own, openmp, expected):
    printed = run("import fastnn; print(fastnn.get_num_threads())", FASTNN_NUM_THREADS=own, OMP_NUM_THREADS=openmp)
    assert printed == str(expected)


@pytest.mark.parametrize("value", ["0", "-1", "1025", "many", "4,2", " 4", "4.0", "1" * 40, "\udcff"], ids=ascii)
def test_a_wrong_environment_variable_is_one_sentence_and_can_be_mended_in_the_process(value):
    code = """
        import fastnn, os
        try:
            fastnn.get_num_threads()
        except ValueError as error:
            print(error)
        fastnn.set_num_threads(3)
        assert fastnn.get_num_threads() == 3
    """
    shown = value if value.isascii() else "?"
    expected = f"expected FASTNN_NUM_THREADS to be a number from 1 to {most_threads}; received '{shown}'"
    assert run(code, FASTNN_NUM_THREADS=value, OMP_NUM_THREADS="2") == expected


def files(root, texts):
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


# The last fields of mountinfo: kind, source, options.
V1 = "33 25 0:28 {root} /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:11 - cgroup cgroup rw,cpu,cpuacct\n"
V2 = "30 23 0:26 {root} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
OTHER = "22 28 0:20 / /sys rw - sysfs sysfs rw\n34 25 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"


def version1(group, quota, period="100000", root="/", process=None):
    folder = f"sys/fs/cgroup/cpu,cpuacct{group}"
    return {
        "proc/self/cgroup": f"12:pids:/x\n4:cpu,cpuacct:{process or group or '/'}\n",
        "proc/self/mountinfo": OTHER + V1.format(root=root),
        f"{folder}/cpu.cfs_quota_us": f"{quota}\n",
        f"{folder}/cpu.cfs_period_us": f"{period}\n",
    }


def version2(group, limit, root="/", process=None):
    return {
        "proc/self/cgroup": f"0::{process or group or '/'}\n",
        "proc/self/mountinfo": OTHER + V2.format(root=root),
        f"sys/fs/cgroup{group}/cpu.max": f"{limit}\n",
    }


@pytest.mark.parametrize(
    ("texts", "cpus"),
    [
        pytest.param({}, None, id="no files"),
        pytest.param(version2("/a", "max 100000"), None, id="version 2 without a limit"),
        pytest.param(version2("/a", "100000 100000"), 1, id="version 2"),
        pytest.param(version2("/a", "1000 100000"), 1, id="a hundredth of a CPU"),
        pytest.param(version2("/a", "100001 100000"), 2, id="rounded up"),
        pytest.param(version2("/a", "100000000 100000"), None, id="more than there are"),
        pytest.param(version2("/a", "50000 50000", process="/a/b/c"), 1, id="version 2, of a group around it"),
        pytest.param(version2("", "50000 50000", process="/a"), 1, id="version 2, of the outermost group"),
        pytest.param(version2("", "50000 50000", "/docker/1", "/docker/1"), 1, id="version 2, a container's own group"),
        pytest.param(version2("/b", "50000 50000", "/docker/1", "/docker/1/b"), 1, id="version 2, in a container's"),
        pytest.param(version2("/2", "1 100000", "/docker/1", "/docker/12"), None, id="a name that begins alike"),
        pytest.param(version2("", "50000 50000", process="/../other"), 1, id="a group outside what is mounted"),
        pytest.param(version2("/a", ""), None, id="an empty file"),
        pytest.param(version2("/a", "much"), None, id="no numbers"),
        pytest.param(version2("/a", "100000 0"), None, id="a period of 0"),
        pytest.param(version1("/a", "-1"), None, id="version 1 without a limit"),
        pytest.param(version1("/a", "100000"), 1, id="version 1"),
        pytest.param(version1("/a", "150000"), 2, id="version 1, rounded up"),
        pytest.param(version1("/a", "100000", process="/a/b"), 1, id="version 1, of a group around it"),
        pytest.param(version1("/b", "100000", root="/box", process="/box/b"), 1, id="version 1, in a container's"),
        pytest.param({"proc/self/cgroup": "nonsense", "proc/self/mountinfo": "non - sense\n"}, None, id="nonsense"),
    ],
)
def test_the_quota_of_control_groups_counts(tmp_path, texts, cpus):
    files(tmp_path, texts)
    assert usable_cpus(str(tmp_path)) == min(AFFINITY, cpus or AFFINITY)


@pytest.mark.parametrize("limits", [("100000 100000", "max 100000"), ("max 100000", "100000 100000")])
def test_the_least_quota_counts(tmp_path, limits):
    files(tmp_path, version2("/a", limits[0]) | version2("/a/b", limits[1]))
    assert usable_cpus(str(tmp_path)) == 1


def test_affinity_counts(tmp_path):
    code = f"import os, fastnn; os.sched_setaffinity(0, [{min(os.sched_getaffinity(0))}])"
    assert run(f"{code}; print(fastnn.get_num_threads())") == "1"


BY_THREADPOOLCTL = """
    from fastnn._core import usable_cpus
    fastnn.set_num_threads(3)
    (info,) = [each for each in threadpoolctl.threadpool_info() if each["user_api"] == "fastnn"]
    assert (info["num_threads"], info["version"]) == (3, fastnn.__version__), info
    with threadpoolctl.threadpool_limits(1):
        assert fastnn.get_num_threads() == 1
    with threadpoolctl.threadpool_limits({"fastnn": 2}):
        assert fastnn.get_num_threads() == 2
    for limit, threads in ((5000, 1024), (0, usable_cpus()), (-1, usable_cpus()), (None, 3)):
        with threadpoolctl.threadpool_limits(limit):
            assert fastnn.get_num_threads() == threads
    assert fastnn.get_num_threads() == 3
    import sys
    assert not any("fastnn" in type(finder).__module__ for finder in sys.meta_path)
"""


ORDERS = {
    "fastnn first": "import fastnn, threadpoolctl",
    "threadpoolctl first": "import threadpoolctl, fastnn",
    "looked for before": "import fastnn, importlib.util as i; i.find_spec('threadpoolctl'); import threadpoolctl",
}


@pytest.mark.parametrize("order", ORDERS)
def test_threadpoolctl_limits_fastnn_whichever_is_imported_first(order):
    pytest.importorskip("threadpoolctl")
    run(ORDERS[order] + "\n" + textwrap.dedent(BY_THREADPOOLCTL))


def test_a_wrong_environment_variable_is_no_error_of_threadpoolctl():
    pytest.importorskip("threadpoolctl")
    code = """
        import fastnn, threadpoolctl
        (info,) = [each for each in threadpoolctl.threadpool_info() if each["user_api"] == "fastnn"]
        print(info["num_threads"])
        try:
            fastnn.get_num_threads()
        except ValueError:
            print("still wrong")
        with threadpoolctl.threadpool_limits(1):
            print(fastnn.get_num_threads())
        print(fastnn.get_num_threads())
    """
    printed = run(code, FASTNN_NUM_THREADS="many").split("\n")
    assert printed == [str(usable_cpus()), "still wrong", "1", str(usable_cpus())]


def test_importing_fastnn_imports_no_threadpoolctl_and_works_where_there_is_none():
    run("""
        import fastnn, os, sys
        assert "threadpoolctl" not in sys.modules and "KMP_DUPLICATE_LIB_OK" not in os.environ
        sys.path[:] = []
        try:
            import threadpoolctl
        except ModuleNotFoundError:
            pass
        else:
            raise AssertionError("it was not to be found")
    """)
