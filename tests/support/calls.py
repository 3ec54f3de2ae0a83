"""Calls that are made many times, or all at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest


def repeated(few, many):
    """Gives a test its number of `times`: few every day, many with -m exhaustive."""
    return pytest.mark.parametrize("times", [few, pytest.param(many, marks=pytest.mark.exhaustive)])


def together(function, threads):
    """Call function(0) … function(threads - 1) in as many threads, all released at once; return the results."""
    barrier = threading.Barrier(threads)

    def call(i):
        barrier.wait()
        return function(i)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(call, range(threads)))
