"""What a file of any bytes may do to fastnn: give a model that computes, or one sentence of the errors it documents.

Anything else is a finding: another exception, more than 5 s, more memory than twice the file and 64 MiB. Imported by
the Python targets, which atheris runs.
"""

import importlib
import os
import pkgutil
import resource
import sys
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["fastnn", "zipfile"]):
    import fastnn

    for module in pkgutil.walk_packages(fastnn.__path__, "fastnn."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))  # the tests' own files, made by hand
from processes import limit_memory

MOST_SECONDS = 5
MOST_BYTES = 64 << 20
# run.py keeps what is there after a death that leaves nothing else.
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
    """Compute one row, unless a layer without weights is as wide as it likes."""
    if model.layers and model.input_shape[-1] <= 1 << 16:
        assert model.predict(np.ones((1, model.input_shape[-1]))).shape == (1, model.output_shape[-1])


def model_of(content, documented=lambda error: False, **arguments):
    """Return fastnn.load_model's model of a file with this content, None where it is refused as it may be.

    documented: whether another error than ModelFormatError is as it should be.
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
    """Fuzz with the command line's options; memory that is asked for and not touched counts as well."""
    limit_memory(1 << 30)
    options = {} if mutate is None else {"custom_mutator": mutate}
    atheris.Setup(sys.argv, test_one_input, **options)
    atheris.Fuzz()
