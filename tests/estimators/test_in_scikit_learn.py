"""Pipelines, searches in threads and processes, frames, pictures, metadata: what programs of scikit-learn do."""

import copy
import pickle
from contextlib import contextmanager

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
from sklearn import config_context
from sklearn.datasets import load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastnn
from fastnn.layers import Dense, Dropout
from fastnn.sklearn import MLPClassifier, MLPRegressor, Representations

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
FAST = MLPClassifier((8,), max_iter=40, learning_rate_init=0.02, random_state=0)


def test_a_pipeline_scales_and_classifies():
    pipeline = make_pipeline(StandardScaler(), FAST)
    assert cross_val_score(pipeline, X, Y, cv=3).mean() > 0.9


def threads():
    return joblib.parallel_config("threading", n_jobs=2)


def processes():
    return joblib.parallel_config("loky", n_jobs=2)


@contextmanager
def dask():
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
        joblib.parallel_config("dask"),
    ):
        yield
        assert sum(client.run(lambda dask_worker: dask_worker.state.executed_count).values()) > 0


@pytest.mark.parametrize("parallel", [threads, processes, dask])
@pytest.mark.slow
def test_a_search_gives_the_same_scores_in_threads_processes_and_dask(parallel):
    grid = {"mlpclassifier__alpha": [1e-4, 1.0], "mlpclassifier__hidden_layer_sizes": [(4,), (8,)]}
    pipeline = make_pipeline(StandardScaler(), FAST)
    alone = GridSearchCV(pipeline, grid, cv=3).fit(X, Y)
    with parallel():
        shared = GridSearchCV(pipeline, grid, cv=3).fit(X, Y)
    assert shared.best_params_ == alone.best_params_
    for split in range(3):
        scores = (each.cv_results_[f"split{split}_test_score"] for each in (shared, alone))
        np.testing.assert_array_equal(*scores)
    np.testing.assert_array_equal(shared.predict_proba(X), alone.predict_proba(X))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_predicts_the_same_bits(copied):
    fitted = FAST.fit(X, Y)
    np.testing.assert_array_equal(copied(fitted).predict_proba(X), fitted.predict_proba(X))


def test_frames_keep_their_names():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    fitted = copy.deepcopy(FAST).fit(frame, pandas.Series(Y).map({0: "x", 1: "y", 2: "z"}))
    assert fitted.feature_names_in_.tolist() == list("abcd")
    assert fitted.classes_.tolist() == ["x", "y", "z"]
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame[list("dcba")])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(X)


def test_notebooks_show_it_and_repr_names_what_was_changed():
    assert repr(MLPRegressor(alpha=1.0)) == "MLPRegressor(alpha=1.0)"
    assert "MLPClassifier" in FAST._repr_html_()
    assert "mlpclassifier" in make_pipeline(StandardScaler(), FAST)._repr_html_()


def test_sample_weight_and_eval_set_can_be_routed():
    with config_context(enable_metadata_routing=True):
        step = MLPClassifier((4,), max_iter=5).set_fit_request(sample_weight=True, eval_set=True)
        pipeline = make_pipeline(step)
        pipeline.fit(X, Y, sample_weight=np.ones(150), eval_set=(X, Y))
    assert len(pipeline[-1].model_.history.history["val_loss"]) == 5


def test_it_is_one_of_many_in_a_meta_estimator():
    labels = np.stack([Y == 0, Y == 1], 1).astype(int)
    assert MultiOutputClassifier(FAST).fit(X, labels).predict(X).shape == (150, 2)


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "csr_array"])
def test_rows_and_labels_may_be_sparse(kind):
    sparse = getattr(pytest.importorskip("scipy.sparse"), kind)
    labels = np.stack([Y == 0, Y != 1], 1).astype(int)
    dense = copy.deepcopy(FAST).fit(X, labels)
    fitted = copy.deepcopy(FAST).fit(sparse(X), sparse(labels), eval_set=(sparse(X), sparse(labels)))
    np.testing.assert_array_equal(fitted.predict_proba(sparse(X)), dense.predict_proba(X))
    step = Representations(fitted.model_).fit(sparse(X))
    np.testing.assert_array_equal(step.transform(sparse(X)), step.transform(X))


def network():
    return fastnn.Sequential([Dense(5, "tanh", input_shape=(4,)), Dropout(0.1), Dense(3, "softmax", name="output")])


def test_representations_are_a_layers_outputs():
    model = network()
    for layer, expected in ((-2, 1), (0, 0), ("output", 2)):
        step = Representations(model, layer=layer).fit(X)
        np.testing.assert_array_equal(step.transform(X), model.representations(X)[expected])
        np.testing.assert_array_equal(step.transform(X[3:4]), step.transform(X)[3:4])


def test_representations_have_names_and_make_frames():
    pytest.importorskip("pandas")
    step = Representations(network()).set_output(transform="pandas").fit(X)
    assert step.transform(X).columns.tolist() == [f"representations{i}" for i in range(5)]
    assert step.get_feature_names_out().tolist() == step.transform(X).columns.tolist()


def test_representations_train_a_copy_of_an_estimator_with_the_pipeline():
    pipeline = make_pipeline(StandardScaler(), Representations(FAST), LogisticRegression())
    assert cross_val_score(pipeline, X, Y, cv=3).mean() > 0.9
    alone = copy.deepcopy(FAST).fit(X, Y)
    step = Representations(FAST).fit(X, Y)
    np.testing.assert_array_equal(step.transform(X), alone.model_.representations(X)[0])


def test_representations_of_a_frozen_estimator_are_its_own():
    fitted = copy.deepcopy(FAST).fit(X, Y)
    step = Representations(FrozenEstimator(fitted)).fit(X, 2 - Y)
    np.testing.assert_array_equal(step.transform(X), fitted.model_.representations(X)[0])


def test_representations_say_what_they_need():
    with pytest.raises(ValueError, match="expected model to be a Sequential or an estimator"):
        Representations("model").fit(X)
    with pytest.raises(ValueError, match="expected model to be a Sequential or an estimator"):
        Representations(LogisticRegression(max_iter=1000)).fit(X, Y)
    with pytest.raises(ValueError, match="expected layer to be below 3"):
        Representations(network(), layer=3).fit(X)
    with pytest.raises(ValueError, match="No such layer: 'hiden'"):
        Representations(network(), layer="hiden").fit(X)
    with pytest.raises(ValueError, match="expected 4 features, the model's inputs; received 2"):
        Representations(network()).fit(X[:, :2])
