"""The command as a process of its own: pipes, signals, terminals, environment.

Data come through named pipes where a test must know how far the command is.
"""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import sysconfig
import termios
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

import fastnn
from arrays import uniform
from fastnn.cli.tables import csv_text
from sequentials import network

pytestmark = pytest.mark.slow

SCRIPT = [str(Path(sysconfig.get_path("scripts")) / "fastnn")]
MODULE = [sys.executable, "-m", "fastnn"]
# Chunks of two rows, and perhaps no tqdm.
SMALL_CHUNKS = "import sys; from fastnn.cli import main, tables; tables._NUMBERS_PER_CHUNK = 6; sys.exit(main.main())"
WITHOUT_TQDM = "import sys; sys.modules['tqdm'] = None; " + SMALL_CHUNKS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with a model of 3 inputs and 2 units, and 300 rows."""
    monkeypatch.chdir(tmp_path)
    network([3, 4, 2], ["relu", "linear"], "float32").save("model.safetensors")
    Path("rows.csv").write_text("a,b,c\n" + csv_text(uniform(1, (300, 3))))
    return tmp_path


PREDICT = ["predict", "model.safetensors", "rows.csv"]


def run(command, *arguments, **environment):
    environment = os.environ | environment
    return subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment, timeout=60)


def shell(line):
    """Run a line of bash in which `fastnn` is the command; the exit code is that of the pipe's first failure."""
    command = f'set -o pipefail; unset PYTHONUNBUFFERED; fastnn() {{ "{sys.executable}" -m fastnn "$@"; }}; {line}'
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)


def wait_for(true):
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "the command does not get that far"
        time.sleep(0.01)


@pytest.mark.parametrize("command", [SCRIPT, MODULE], ids=["fastnn", "python -m fastnn"])
def test_command_is_installed_and_its_exit_code_is_that_of_main(folder, command):
    done = run(command, *PREDICT)
    assert (done.returncode, len(done.stdout.splitlines()), len(done.stderr.splitlines())) == (0, 300, 1)
    assert run(command, "--version").stdout == f"fastnn {fastnn.__version__}\n"
    failed = run(command, "predict", "model.safetensors", "missing.csv")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == "fastnn: missing.csv: No such file or directory\n"


@pytest.mark.parametrize("name", fastnn.isas())
def test_instruction_set_from_the_environment_changes_no_byte(folder, name):
    done = run(MODULE, *PREDICT, FASTNN_ISA=name)
    assert (done.returncode, done.stdout) == (0, run(MODULE, *PREDICT).stdout)
    assert re.search(rf"^instruction set: +{name}$", run(MODULE, "config", FASTNN_ISA=name).stdout, re.M)


@pytest.mark.parametrize("name", ["nonsense", "AVX2"])
@pytest.mark.parametrize("arguments", [PREDICT, ["config"]], ids=["predict", "config"])
def test_unknown_instruction_set_gives_one_line_with_the_valid_names(folder, arguments, name):
    done = run(MODULE, *arguments, FASTNN_ISA=name)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    assert ", ".join(fastnn.isas()) in done.stderr
    assert f"received '{name}'" in done.stderr


@pytest.mark.parametrize("arguments", [["config"], ["bench", "model.safetensors", "--json", "--seconds", "60"]])
def test_wrong_number_of_threads_gives_one_line_at_once(folder, arguments):
    done = run(MODULE, *arguments, FASTNN_NUM_THREADS="many")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    assert "expected FASTNN_NUM_THREADS to be a number from 1 to 1024; received 'many'" in done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "fastnn predict model.safetensors many.csv | head -1",
        "fastnn predict model.safetensors rows.csv | head -1",
        "fastnn predict model.safetensors rows.csv | true",
        "fastnn summary model.safetensors | true",
        "fastnn config | true",
    ],
)
def test_reader_that_has_enough_is_no_error_message(folder, line):
    Path("many.csv").write_text("1,2,3\n" * 30_000)
    done = shell(line)
    assert len(done.stdout.splitlines()) == ("head" in line)
    assert not re.search("Traceback|Error|Exception|Broken", done.stderr), done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "arguments", [" ".join(PREDICT), "summary model.safetensors", "config"], ids=["predict", "summary", "config"]
)
def test_stdout_on_a_full_disk_gives_code_2_and_one_line(folder, arguments):
    done = shell(f"fastnn {arguments} > /dev/full")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "No space left on device" in done.stderr


def test_closed_stdout_gives_no_traceback(folder):
    done = shell(f"fastnn {' '.join(PREDICT)} >&-")
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_file_name_that_is_not_utf8_gives_one_line(folder):
    done = run(MODULE, "predict", "model.safetensors", b"\xff.csv")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr


@pytest.fixture
def start(folder):
    """Start the command on a named pipe, pipe.csv; its other end, and the process."""
    started = []

    def call(program, *arguments, **options):
        os.mkfifo("pipe.csv")
        command = [sys.executable, "-c", program, "predict", "model.safetensors", "pipe.csv", *arguments]
        process = subprocess.Popen(command, text=True, **options)
        feed = Path("pipe.csv").open("w")  # noqa: SIM115 waits until the command reads; closed below
        started.append((process, feed))
        return process, feed

    yield call
    for process, feed in started:
        with suppress(OSError):
            feed.close()
        process.kill()
        process.wait()


def interrupt(process):
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_interrupt_before_the_first_row_gives_130_without_traceback(start):
    process, _ = start(SMALL_CHUNKS, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert interrupt(process) == (130, "", "")


def test_interrupt_while_streaming_gives_130_and_leaves_the_old_output(start, folder):
    (folder / "out.csv").write_text("old")
    process, feed = start(SMALL_CHUNKS, "-o", "out.csv", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    feed.write("1,2,3\n" * 10_000)
    feed.flush()
    wait_for(lambda: any(path.stat().st_size for path in folder.glob(".fastnn-*.tmp")))
    assert interrupt(process) == (130, "", "")
    names = {"model.safetensors", "rows.csv", "pipe.csv", "out.csv"}
    assert ({path.name for path in folder.iterdir()}, (folder / "out.csv").read_text()) == (names, "old")


def test_interrupt_while_the_machine_is_measured_gives_130_without_traceback(folder):
    command = [*MODULE, "bench", "model.safetensors", "--seconds", "60"]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()  # the next one comes after minutes
        time.sleep(0.2)
        assert interrupt(process) == (130, "", "")


def test_answers_come_out_before_the_rows_end(start):
    """Streaming: the first answers are there while the command waits for more rows."""
    process, feed = start(SMALL_CHUNKS, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    feed.write("1,2,3\n" * 10_000)
    feed.flush()
    assert len(process.stdout.readline().split(",")) == 2
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


class Terminal:
    """A pseudo-terminal to be a command's stderr; everything it shows is collected."""

    def __init__(self):
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.shown = ""
        self._reader = threading.Thread(target=self._read)

    def __enter__(self):
        self._reader.start()
        return self

    def _read(self):
        with suppress(OSError):  # what reading gives when the last writer has gone
            while data := os.read(self.ours, 4096):
                self.shown += data.decode()

    def __exit__(self, *_):
        os.close(self.theirs)
        self._reader.join(30)
        os.close(self.ours)


PROGRAMS = pytest.mark.parametrize("program", [SMALL_CHUNKS, WITHOUT_TQDM], ids=["tqdm", "without tqdm"])


def feed_until_progress(start, program, row, last_row, *arguments):
    """Feed rows until the terminal shows progress, then a last one: (exit code, rows before it, what was shown)."""
    if program is SMALL_CHUNKS:
        pytest.importorskip("tqdm")
    with Terminal() as terminal:
        process, feed = start(program, *arguments, stdout=subprocess.DEVNULL, stderr=terminal.theirs)
        rows, deadline = 0, time.monotonic() + 30
        while " rows" not in terminal.shown:
            assert time.monotonic() < deadline, "no progress shown"
            feed.write(row * 2_000)
            feed.flush()
            rows += 2_000
            time.sleep(0.1)
        feed.write(last_row)
        feed.close()
        process.wait(timeout=30)
    return process.returncode, rows, terminal.shown


@PROGRAMS
def test_slow_command_shows_its_progress_on_a_terminal_and_wipes_it_away(start, program):
    code, rows, shown = feed_until_progress(start, program, "1,2,3\n", "")
    assert code == 0
    progress, report = re.split(r"[\r\n]+", shown.strip())[0], re.split(r"\r|\x1b\[K", shown.strip())[-1]
    assert re.match(r"\d+(\.\d+)?k? rows", progress), shown
    assert re.fullmatch(rf"{rows} rows in .* rows per second", report), shown


@PROGRAMS
@pytest.mark.parametrize(
    ("row", "last_row", "arguments", "expected"),
    [
        ("1,2,3\n", "1,two,3\n", [], "pipe.csv, line {next_line}, column 1: expected a number; received 'two'"),
        (
            "1,2,3,0\n",
            "1,2,3,7\n",
            ["--target=3"],
            "pipe.csv: expected the target column to hold classes from 0 to 1; received 7 in row {rows}",
        ),
    ],
    ids=["in a cell", "in the target"],
)
def test_mistake_found_while_progress_is_shown_has_its_own_line(start, program, row, last_row, arguments, expected):
    code, rows, shown = feed_until_progress(start, program, row, last_row, *arguments)
    assert code == 2
    lines = [line for line in re.split(r"[\r\n]+|\x1b\[K", shown) if line.strip()]
    assert lines[-1] == "fastnn: " + expected.format(rows=rows, next_line=rows + 1), shown


@PROGRAMS
def test_quick_command_shows_no_progress(folder, program):
    with Terminal() as terminal:
        subprocess.run(
            [sys.executable, "-c", program, *PREDICT],
            stdout=subprocess.DEVNULL,
            stderr=terminal.theirs,
            check=True,
            timeout=60,
        )
    shown = terminal.shown.replace("\r", "").replace("\x1b[K", "").strip()
    assert re.fullmatch(r"300 rows in .* rows per second", shown), terminal.shown


@PROGRAMS
def test_slow_command_shows_no_progress_where_stderr_is_no_terminal(start, program):
    process, feed = start(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    for _ in range(3):
        feed.write("1,2,3\n" * 2_000)
        feed.flush()
        time.sleep(0.6)
    feed.close()
    _, err = process.communicate(timeout=30)
    assert re.fullmatch(r"6000 rows in .* rows per second\n", err)
