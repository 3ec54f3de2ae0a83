"""The number of threads that a call may use. Outputs have the same bits with any number.

threadpoolctl, if it is installed, reports and limits fastnn's threads like those of BLAS libraries. The two packages
may be imported in any order; only a ``ThreadpoolController`` from before the import of fastnn does not know fastnn.

>>> import threadpoolctl
>>> with threadpoolctl.threadpool_limits(1):
...     get_num_threads()
1
"""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.strict import suggesting


def get_num_threads() -> int:
    """Return the largest number of threads that a call uses, including the calling one. Small calls use fewer.

    The default is the first of these that is set: the environment variable ``FASTNN_NUM_THREADS``, the first number in
    ``OMP_NUM_THREADS``, the number of CPUs that this process may use by its affinity and control groups.
    Raises ValueError if ``FASTNN_NUM_THREADS`` is not a number from 1 to 1024.

    >>> get_num_threads() >= 1
    True
    """
    return _core.num_threads()


@suggesting
def set_num_threads(threads: int) -> None:
    """Set the largest number of threads that a call uses, from 1 to 1024, for the whole process.

    Raises TypeError unless ``threads`` is an integer, and ValueError if it is out of range.

    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    """
    if not isinstance(threads, (int, np.integer)) or isinstance(threads, bool):
        raise TypeError(f"expected the number of threads to be an integer; received {threads!r}")
    if not 1 <= threads <= _core.most_threads:
        raise ValueError(f"expected a number of threads from 1 to {_core.most_threads}; received {threads}")
    _core.set_num_threads(int(threads))


def _register(threadpoolctl: Any) -> None:
    """Register fastnn with threadpoolctl, unless that version is too old to support other libraries."""
    if not hasattr(threadpoolctl, "register"):
        return

    class Controller(threadpoolctl.LibController):  # type: ignore[misc]  # threadpoolctl has no type hints
        user_api = "fastnn"
        internal_api = "fastnn"
        filename_prefixes = (Path(_core.__file__).resolve().name.lower(),)
        check_symbols = ("fastnn_version",)  # other packages may have a module of the same file name

        def get_num_threads(self) -> int:
            try:
                return get_num_threads()
            except ValueError:  # an invalid FASTNN_NUM_THREADS, which calls of fastnn report
                return _core.usable_cpus()

        def set_num_threads(self, num_threads: int) -> None:
            threads = (
                num_threads if num_threads > 0 else _core.usable_cpus()
            )  # 0 means all CPUs, as in OpenBLAS and MKL
            set_num_threads(min(threads, _core.most_threads))

        def get_version(self) -> str:
            return _core.__version__

    threadpoolctl.register(Controller)


class _WhenImported:
    """An import hook that registers fastnn when threadpoolctl is imported.

    Importing threadpoolctl here would take 2 ms and set KMP_DUPLICATE_LIB_OK in programs that do not use it.
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
