"""The HTTP service of examples/serving answers each row with the bits of model.predict, whatever rows come with it."""

import asyncio
import csv
import importlib.util
import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from arrays import same_bits
from engine_tables import NAMES, of_numbers
from fastnn import FeatureSpace
from fastnn.layers import Dense
from fastnn.models import Sequential

pytestmark = pytest.mark.slow

httpx = pytest.importorskip("httpx")
pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

EXAMPLES = Path(__file__).parents[2] / "examples"
PENGUINS = EXAMPLES / "penguins.csv"


@pytest.fixture(scope="module")
def rows():
    with PENGUINS.open(newline="") as lines:
        table = [{name: number(text) for name, text in row.items()} for row in csv.DictReader(lines)]
    assert any(value is None for row in table for value in row.values())
    return table


def number(text):
    try:
        return None if text in ("", "NA") else float(text)
    except ValueError:
        return text


@pytest.fixture(scope="module")
def model(rows):
    space = FeatureSpace.infer(rows, drop=["species", "year"]).adapt(rows)
    model = Sequential([space, Dense(8, "relu"), Dense(3, "softmax")])
    model.classes = ["Adelie", "Chinstrap", "Gentoo"]
    return model


@pytest.fixture(scope="module")
def model_path(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("serving") / "model.safetensors"
    model.save(path)
    return path


@pytest.fixture
def service(model_path, monkeypatch):
    return service_of(model_path, monkeypatch)


def service_of(model_path, monkeypatch):
    """The module app.py, as a worker of uvicorn imports it."""
    monkeypatch.setenv("MODEL", str(model_path))
    spec = importlib.util.spec_from_file_location("app", EXAMPLES / "serving/app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answers(service, rows):
    """The status and the JSON of each row's answer, all asked for at once."""

    async def ask():
        transport = httpx.ASGITransport(service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await asyncio.gather(*[client.post("/predict", json=row) for row in rows])

    return [(each.status_code, each.json()) for each in asyncio.run(ask())]


def outputs(answers):
    assert all(status == 200 and list(answer) == ["Adelie", "Chinstrap", "Gentoo"] for status, answer in answers)
    return np.array([list(answer.values()) for _, answer in answers], "float32")


def test_rows_that_come_together_are_predicted_together_with_the_bits_of_one_alone(service, rows, model, monkeypatch):
    calls = []

    class Counting:
        def predict(self, table):
            calls.append(len(table))
            return model.predict(table)

    monkeypatch.setattr(service, "model", Counting())
    made = outputs(answers(service, rows))
    assert same_bits(made, np.concatenate([model.predict([row]) for row in rows]))
    assert sum(calls) == len(rows) > len(calls)


def test_a_row_that_is_refused_fails_alone_with_the_models_sentence(service, rows, model):
    wrong = rows[1] | {"body_mass_g": "heavy"}
    made = answers(service, [rows[0], wrong, rows[2]])
    assert made[1][0] == 422
    assert made[1][1]["detail"].startswith("expected numbers in column 'body_mass_g'; received 'heavy' (str)")
    assert same_bits(outputs([made[0], made[2]]), model.predict([rows[0], rows[2]]))


def test_a_column_that_a_row_lacks_is_no_gap_even_if_the_rows_beside_it_have_it(service, rows):
    short = {name: value for name, value in rows[0].items() if name != "island"}
    status, answer = answers(service, [rows[0], short])[1]
    assert status == 422
    assert answer["detail"].startswith("expected a column 'island'; received 'species', ")


def test_a_row_without_any_column_is_told_that_it_has_none(service):
    assert answers(service, [{}]) == [(422, {"detail": "expected a column 'island'; received no columns"})]


def test_an_error_of_another_kind_leaves_no_request_without_an_end(service, monkeypatch):
    class Full:
        def predict(self, table):
            raise MemoryError("full")

    monkeypatch.setattr(service, "model", Full())
    row = dict.fromkeys(service.columns, None)

    async def ask():
        return await asyncio.wait_for(service.batcher.outputs(row), timeout=5)

    with pytest.raises(MemoryError, match="full"):
        asyncio.run(ask())


def test_a_model_of_numbers_answers_null_where_an_output_is_nan(path, monkeypatch):
    of_numbers().save(path)
    made = answers(
        service_of(path, monkeypatch), [dict.fromkeys(NAMES, 0.5), dict.fromkeys(NAMES, 0.5) | {"age": None}]
    )
    assert np.array(list(made[0][1].values()), "float32").tolist() == of_numbers().predict([0.5] * 3).tolist()
    assert made[1] == (200, {"0": None, "1": None, "2": None})


def test_two_workers_answer_a_load(model_path, rows, model, monkeypatch):
    monkeypatch.setenv("MODEL", str(model_path))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    options = ("--app-dir", EXAMPLES / "serving", "--port", port, "--log-level", "warning")
    with subprocess.Popen([sys.executable, "-m", "uvicorn", "app:app", "--workers", "2", *options]) as server:
        try:
            made = {"Adelie": None}
            request = urllib.request.Request(f"http://127.0.0.1:{port}/predict", json.dumps(rows[0]).encode())
            request.add_header("Content-Type", "application/json")
            for _ in range(300):
                try:
                    with urllib.request.urlopen(request) as answer:
                        made = json.load(answer)
                    break
                except OSError:
                    time.sleep(0.1)
            assert same_bits(np.array([list(made.values())], "float32"), model.predict(rows[:1]))
            load = [sys.executable, EXAMPLES / "serving/load.py", PENGUINS, "--port", port]
            options = ("--rate", "100", "--seconds", "1", "--connections", "8")
            done = subprocess.run([*load, *options], capture_output=True, text=True, check=True)
            assert done.stdout.startswith("100 requests in ")
            assert " p99 " in done.stdout
        finally:
            server.terminate()
