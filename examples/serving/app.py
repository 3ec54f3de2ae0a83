"""A model behind HTTP: each request has one row, and rows that arrive at almost the same time are predicted together.

    fastnn train examples/penguins.csv --target species -o model.safetensors --seed 1
    pip install fastapi 'uvicorn[standard]'
    MODEL=model.safetensors uvicorn --app-dir examples/serving app:app --workers 2
    curl localhost:8000/predict --json '{"island": "Dream", "bill_length_mm": 39.5, "bill_depth_mm": 16.7,
      "flipper_length_mm": 178, "body_mass_g": null, "sex": "female", "year": 2007}'

Each worker loads the model before it takes requests, and runs it in one thread. A row's answer does not depend on the
rows beside it, so gathering changes no bit. A row that the model refuses gets status 422 and the model's own sentence.
"""

import asyncio
import math
import os
from typing import Annotated

from fastapi import Body, FastAPI, HTTPException

import fastnn

fastnn.set_num_threads(1)  # workers are processes: more threads would compete with the other workers
model = fastnn.load_model(os.environ.get("MODEL", "model.safetensors"))
space = model.feature_space
columns = model.feature_names if space is None else tuple(space.features)
if columns is None:
    raise SystemExit("expected a model that names its columns; set model.feature_names before it is saved")
names = [str(i) for i in range(model.output_shape[1])] if model.classes is None else [str(c) for c in model.classes]
app = FastAPI()
Row = dict[str, int | float | bool | str | None]


class Batcher:
    """Rows that become one call of predict: those of one turn of the event loop, or of some seconds from the first."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: list[tuple[Row, asyncio.Future[list[float]]]] = []

    async def outputs(self, row: Row) -> list[float]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[float]] = loop.create_future()
        self._waiting.append((row, future))
        if len(self._waiting) == 1:
            loop.call_later(self._seconds, self._answer)
        return await future

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting, []
        answers: list[list[float] | Exception]
        try:
            answers = model.predict([row for row, _ in waiting]).tolist()
        except Exception:  # one row that is refused must not fail the others; no request may wait for ever
            answers = [_answer_or_error(row) for row, _ in waiting]
        for (_, future), answer in zip(waiting, answers, strict=True):
            if future.done():  # the client has gone
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)


def _answer_or_error(row: Row) -> list[float] | Exception:
    try:
        answers: list[list[float]] = model.predict([row]).tolist()
        return answers[0]
    except Exception as error:
        return error


batcher = Batcher(float(os.environ.get("GATHER_SECONDS", "0")))


@app.post("/predict")
async def predict(row: Annotated[Row, Body()]) -> dict[str, float | None]:
    """Return the outputs of one row, {column: value}, by the names of the classes. NaN and infinity are null."""
    missing = [name for name in columns if name not in row]
    if missing:  # in a batch, the rows beside it might have the column, and this one would count as a gap
        raise HTTPException(
            422, f"expected a column {missing[0]!r}; received {', '.join(map(repr, row)) or 'no columns'}"
        )
    try:
        outputs = await batcher.outputs(row)
    except (TypeError, ValueError) as error:
        raise HTTPException(422, str(error)) from None
    return {name: y if math.isfinite(y) else None for name, y in zip(names, outputs, strict=True)}
