"""A cluster of two worker processes of dask, and dask without it."""

import pytest


@pytest.fixture(scope="module")
def dask_cluster():
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set({"distributed.worker.memory.pause": False}),  # whatever else the machine has in memory
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
    ):
        yield cluster


@pytest.fixture
def client(dask_cluster):
    import dask
    from distributed import Client

    with dask.config.set(scheduler=None), Client(dask_cluster) as client:
        yield client


@pytest.fixture
def two_threads():
    import dask

    with dask.config.set(scheduler="threads", num_workers=2):
        yield
