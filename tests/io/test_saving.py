"""Saving is all or nothing: the file under a name is always whole."""

import os
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import fastnn
from fastnn.models import Sequential
from model_bytes import bits, small_model
from processes import run_python


def test_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, path):
    small_model().save(path)
    old = path.read_bytes()
    code = """
        import errno, resource, sys, fastnn
        model = fastnn.load_model(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            model.save(sys.argv[1])
        except OSError as error:
            print(errno.errorcode[error.errno], error.filename)
    """
    assert run_python(code, path) == f"EFBIG {path}\n"
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == [path.name]


def test_full_and_read_only_disks_keep_the_old_file(tmp_path, run_with_mounts):
    run_with_mounts(
        """
        import errno, os, subprocess, sys
        from pathlib import Path
        import fastnn
        from fastnn.layers import Dense

        def mount(options):
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)

        def refused(save, *arguments):
            try:
                save(*arguments)
            except OSError as error:
                assert path.read_bytes() == old
                assert os.listdir(folder) == [path.name]
                return errno.errorcode[error.errno], error.filename
            raise AssertionError("no error")

        folder = Path(sys.argv[1])
        mount("size=64k")
        path = folder / "model.safetensors"
        small = fastnn.Sequential([Dense(2, input_shape=(3,))])
        large = fastnn.Sequential([Dense(200, input_shape=(300,))])
        small.save(path)
        old = path.read_bytes()
        for name in (path.name, "other.safetensors"):
            assert refused(large.save, folder / name) == ("ENOSPC", str(folder / name))
        mount("remount,ro")
        for name in (path.name, "other.safetensors"):
            assert refused(small.save, folder / name) == ("EROFS", str(folder / name))
        """,
        tmp_path,
    )


def test_killed_save_leaves_a_whole_file(path):
    code = """if True:
        import sys, fastnn
        layers = fastnn.layers
        models = [fastnn.models.Sequential([fastnn.Input((500,)), layers.Dense(u)]) for u in (1000, 2000)]
        models[0].save(sys.argv[1])
        print("saved", flush=True)
        while True:
            for model in models:
                model.save(sys.argv[1])
    """
    for delay in (0, 0.01, 0.02, 0.03, 0.05):
        process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"saved\n"
        time.sleep(delay)
        process.kill()
        process.communicate()
        assert fastnn.load_model(path).get_weights()[0].shape in {(500, 1000), (500, 2000)}


def test_threads_saving_to_one_path_leave_one_whole_file(tmp_path, path):
    models = [small_model(units) for units in (4, 5, 6, 7)]
    threads = [threading.Thread(target=lambda m=m: [m.save(path) for _ in range(20)]) for m in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bits(fastnn.load_model(path)) in [bits(model) for model in models]
    assert os.listdir(tmp_path) == [path.name]


def test_threads_exporting_to_one_path_leave_one_whole_file(tmp_path):
    models = [small_model(units) for units in (4, 5, 6, 7)]
    whole = []
    for model in models:
        model.export(tmp_path / "m.hpp")
        whole.append((tmp_path / "m.hpp").read_bytes())
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(model.export, tmp_path / "m.hpp") for _ in range(10) for model in models]:
            done.result()
    assert (tmp_path / "m.hpp").read_bytes() in whole
    assert os.listdir(tmp_path) == ["m.hpp"]


@pytest.mark.parametrize(("write", "name"), [(Sequential.save, "m.safetensors"), (Sequential.export, "m.hpp")])
def test_new_file_obeys_the_umask_and_a_replaced_one_keeps_its_permissions(tmp_path, write, name):
    path = tmp_path / name
    old = os.umask(0o027)
    try:
        write(small_model(), path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o606)
        write(small_model(), path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o606
    finally:
        os.umask(old)


def test_symbolic_link_stays_and_its_target_is_written(tmp_path, path):
    (tmp_path / "real").mkdir()
    for target in ("real/a.safetensors", tmp_path / "real" / "b.safetensors"):
        path.symlink_to(target)
        for _ in range(2):  # the first time it points to nothing
            small_model().save(path)
            assert path.is_symlink()
            assert fastnn.load_model(tmp_path / target).get_weights()
        path.unlink()
    assert sorted(os.listdir(tmp_path / "real")) == ["a.safetensors", "b.safetensors"]
    path.symlink_to(path.name)
    with pytest.raises(OSError, match="link"):
        small_model().save(path)


def test_fifo_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "fifo.safetensors")
    with pytest.raises(ValueError, match=r"fifo.safetensors: is a FIFO; expected a regular file to write, or none"):
        small_model().save(tmp_path / "fifo.safetensors")
    assert stat.S_ISFIFO((tmp_path / "fifo.safetensors").stat().st_mode)
    assert os.listdir(tmp_path) == ["fifo.safetensors"]


def test_relative_path_and_save_over_the_loaded_file_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = small_model()
    model.save("model.safetensors")
    loaded = fastnn.load_model("model.safetensors")
    loaded.save("model.safetensors")
    assert bits(loaded) == bits(model) == bits(fastnn.load_model("model.safetensors"))
