"""Load a file of arbitrary bytes, and report a finding unless fastnn handles it as documented.

It may give a model that computes, or raise a documented error of one sentence. Findings are other exceptions, more than
5 s, and more memory than twice the file plus 64 MiB. The Python targets, which atheris runs, import this module.
"""

import importlib
import os
import pkgutil
import resource
import sys
import time
from pathlib import Path

import atheris

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))  # modules that tests and targets share
from optional_modules import OPTIONAL_MODULES

with atheris.instrument_imports(include=["fastnn", "zipfile"]):
    import fastnn

    for module in pkgutil.walk_packages(fastnn.__path__, "fastnn."):
        is_optional = ".".join(module.name.split(".")[:2]) in OPTIONAL_MODULES  # which read no files
        if not module.name.endswith("__main__") and not is_optional:
            importlib.import_module(module.name)

import numpy as np

from processes import limit_memory

MOST_SECONDS = 5
MOST_BYTES = 64 << 20
# If a target dies without an artifact, run.py keeps the file that is here.
PATH = Path(os.environ.get("FASTNN_FUZZ_INPUT", f"/dev/shm/fastnn-fuzz-{os.getpid()}"))


class FindingError(Exception):
    pass


def _pages():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _most_pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _check_sentence(error):
    said = str(error)
    if str(PATH) not in said or len(said) > 1500 or not said.isprintable():
        raise FindingError(f"not one sentence that names the file: {said!r:.2000}") from error


def _use(model):
    """Compute one row, unless the model is very wide: a layer without weights may claim any width."""
    if model.layers and model.input_shape[-1] <= 1 << 16:
        assert model.predict(np.ones((1, model.input_shape[-1]))).shape == (1, model.output_shape[-1])


def model_of(content, documented=lambda error: False, **arguments):
    """Return the model that fastnn.load_model reads from this content, None if it raises a documented error.

    documented: a function that tells whether an OSError or ValueError is documented; ModelFormatError always is.
    """
    PATH.write_bytes(content)
    pages, most, begin = _pages(), _most_pages(), time.process_time()
    model = None
    try:
        model = fastnn.load_model(PATH, **arguments)
    except fastnn.ModelFormatError as error:
        _check_sentence(error)
    except (OSError, ValueError) as error:
        if not documented(error):
            raise
    seconds, peak = time.process_time() - begin, _most_pages()
    if seconds > MOST_SECONDS:
        raise FindingError(f"{seconds:.1f} s for {len(content)} bytes")
    if peak > most and peak - pages > 2 * len(content) + MOST_BYTES:
        raise FindingError(f"{peak - pages} bytes of memory for a file of {len(content)}")
    if model is not None:
        _use(model)
    return model


def run(test_one_input, mutate=None):
    """Fuzz with the options of the command line. The limit on memory includes memory that is never touched."""
    limit_memory(1 << 30)
    options = {} if mutate is None else {"custom_mutator": mutate}
    atheris.Setup(sys.argv, test_one_input, **options)
    atheris.Fuzz()
