"""How many threads a call may use; answers have the same bits with any number.

threadpoolctl, where it is installed, sees and limits fastnn as it does BLAS libraries, whichever is imported first:

>>> with threadpoolctl.threadpool_limits(1):  # doctest: +SKIP
...     model.predict(x)  # on this thread alone

Not possible: a ``ThreadpoolController`` that was made before fastnn was imported lists the libraries of that moment.
"""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np

from fastnn import _core


def get_num_threads() -> int:
    """The most threads that a call works on, the calling one among them.

    Until ``set_num_threads`` is called: what the environment variable ``FASTNN_NUM_THREADS`` says (ValueError if that
    is not a number from 1 to 1024); else the first number in ``OMP_NUM_THREADS``; else the CPUs this process may use,
    by its affinity and the quota of its control groups. Small calls use fewer threads.
    """
    return _core.num_threads()


def set_num_threads(threads: int) -> None:
    """Let calls work on up to ``threads`` threads from now on, 1 to 1024, in the whole process.

    TypeError if it is not an integer, ValueError if it is out of range.

    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    """
    if not isinstance(threads, (int, np.integer)) or isinstance(threads, bool):
        raise TypeError(f"expected a number of threads, an integer; received {threads!r}")
    if not 1 <= threads <= _core.most_threads:
        raise ValueError(f"expected a number of threads from 1 to {_core.most_threads}; received {threads}")
    _core.set_num_threads(int(threads))


def _register(threadpoolctl: Any) -> None:
    """Make fastnn known to threadpoolctl, unless it is too old for other libraries."""
    if not hasattr(threadpoolctl, "register"):
        return

    class Controller(threadpoolctl.LibController):  # type: ignore[misc]  # has no types
        user_api = "fastnn"
        internal_api = "fastnn"
        filename_prefixes = (Path(_core.__file__).resolve().name.lower(),)
        check_symbols = ("fastnn_version",)  # other packages have a module of this name too

        def get_num_threads(self) -> int:
            try:
                return get_num_threads()
            except ValueError:  # a wrong FASTNN_NUM_THREADS, which is for fastnn's own calls to tell
                return _core.usable_cpus()

        def set_num_threads(self, num_threads: int) -> None:
            threads = num_threads if num_threads > 0 else _core.usable_cpus()  # what 0 means to OpenBLAS and MKL
            set_num_threads(min(threads, _core.most_threads))

        def get_version(self) -> str:
            return _core.__version__

    threadpoolctl.register(Controller)


class _WhenImported:
    """An import hook that registers fastnn once threadpoolctl is imported.

    To import it here would take 2 ms and set KMP_DUPLICATE_LIB_OK in programs that never asked for it.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != "threadpoolctl":
            return None
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((found for found in specs if found is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: Any) -> None:
                execute(module)
                if self in sys.meta_path:
                    sys.meta_path.remove(self)
                _register(module)

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def _register_with_threadpoolctl() -> None:
    loaded = sys.modules.get("threadpoolctl")
    if loaded is not None:
        _register(loaded)
    else:
        sys.meta_path.insert(0, _WhenImported())


_register_with_threadpoolctl()
