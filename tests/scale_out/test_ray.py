"""`fastnn.ray.Predictor` in Ray Data's actors, processes of their own.

Slow: Ray takes seconds to start. tests/tools/engines.sh runs these where Ray is.
"""

import sys

import numpy as np
import pytest

import fastnn
from arrays import same_bits
from engine_tables import MIXED, NUMBERS, ROWS, X, dying_model, of_numbers, of_text
from fastnn.models import Sequential

ray = pytest.importorskip("ray")
pa = pytest.importorskip("pyarrow")
from fastnn.ray import Predictor  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray leaves files and sockets open


@pytest.fixture(scope="module", autouse=True)
def two_cores():
    paths = [path for path in sys.path if path.endswith(("tests", "support", "python"))]
    environment = {"env_vars": {"PYTHONPATH": ":".join(paths)}}  # of the actors' Python
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")  # no token is written to the home folder
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env=environment)
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield
        ray.shutdown()


def rows_of(columns):
    """A dataset of four blocks, one of them empty."""
    table = pa.table(columns)
    return ray.data.from_arrow([table[:1000], table[1000:1000], table[1000:1003], table[1003:]])


def answers(rows, *arguments, actors=2, **options):
    compute = ray.data.ActorPoolStrategy(size=actors)
    predicted = rows.map_batches(Predictor, fn_constructor_args=arguments, compute=compute, batch_size=700, **options)
    batch = predicted.take_batch(ROWS)
    assert sorted(batch["id"]) == list(range(ROWS))
    return batch["prediction"][np.argsort(batch["id"])]


@pytest.mark.parametrize("actors", [1, 2])
def test_every_row_gets_the_bits_of_one_call(actors):
    assert same_bits(answers(rows_of(NUMBERS), of_numbers(), actors=actors), of_numbers().predict(X))


def test_text_booleans_and_nulls_of_a_feature_space_are_taken():
    assert same_bits(answers(rows_of(MIXED), of_text()), of_text().predict(MIXED)[:, 0])


@pytest.mark.parametrize("classes", [None, ["a", "b", "c"]], ids=["numbers", "names"])
def test_classes_are_the_labels(classes):
    model = of_numbers(classes=classes)
    assert answers(rows_of(NUMBERS), model, True).tolist() == model.predict_classes(X).tolist()


def test_an_answer_that_is_nan_chooses_no_class_and_stays_nan_since_numpy_has_no_null():
    model = of_numbers(classes=["a", "b", "c"])
    rows = rows_of(NUMBERS | {"age": [None, *X[1:, 0]]})
    assert answers(rows, model, True).tolist() == [None, *model.predict_classes(X)[1:].tolist()]
    made = answers(rows, model)
    assert np.isnan(made[0]).all()
    assert same_bits(made[1:], model.predict(X[1:]))


def test_an_actor_that_is_killed_is_restarted_and_no_answer_lost(tmp_path):
    marker = tmp_path / "killed"
    made = answers(rows_of(NUMBERS), dying_model(marker))
    assert marker.exists()
    assert same_bits(made, of_numbers().predict(X))


@pytest.mark.parametrize(("options", "threads"), [({}, 1), ({"num_cpus": 2}, 2)], ids=["default", "num_cpus=2"])
def test_an_actor_has_as_many_threads_as_cpus(options, threads):
    class Counting(Sequential):
        def predict(self, x):
            return super().predict(x) * 0 + fastnn.get_num_threads()

    made = answers(rows_of(NUMBERS), of_numbers(1, "linear", kind=Counting), actors=1, **options)
    assert set(made.tolist()) == {threads}


def test_a_missing_column_is_named():
    rows = rows_of(NUMBERS).drop_columns(["größe"])
    with pytest.raises(Exception, match="expected a column 'größe'; received 'id', 'weight of all', 'age', 'note'"):
        answers(rows, of_numbers())


def test_batches_of_another_format_are_refused():
    with pytest.raises(TypeError, match=r"default format, .*; received Table: leave out batch_format$"):
        Predictor(of_numbers())(pa.table(NUMBERS))


def test_datasets_are_refused_by_predict():
    with pytest.raises(TypeError, match=r"received a \w+ of ray, .* x\.map_batches\(fastnn\.ray\.Predictor, "):
        of_numbers().predict(rows_of(NUMBERS))
