"""Train one network with fastnn, scikit-learn and Keras on data sets of scikit-learn, and compare the test scores.

    pip install '.[dev,frameworks,bench]' && python bench/learning.py    # some minutes; prints Markdown

All three train with the same settings and the same split of the rows for each seed: two hidden layers, Adam,
standardized inputs (and targets, for numbers), the first weights from the same distribution, float32. A seed decides
split, first weights and order of rows. The scores of a seed are a pair, so the test is the paired t-test.
"""

import argparse
import os
import sys
import time
import warnings

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import sklearn
from scipy import stats
from sklearn import datasets
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

import fastnn
import timing
from arguments import between, exit_code, one_of
from report import table

HIDDEN, ACTIVATION, BATCH_SIZE, EPSILON, TEST_SHARE = (32, 32), "relu", 32, 1e-7, 0.3
ROWS = 500  # of the generated data sets

# name -> (function of the seed that returns x and y, whether y are classes, epochs, learning rate)
DATASETS = {
    "digits": (lambda seed: datasets.load_digits(return_X_y=True), True, 15, 2e-3),
    "breast cancer": (lambda seed: datasets.load_breast_cancer(return_X_y=True), True, 15, 2e-3),
    "wine": (lambda seed: datasets.load_wine(return_X_y=True), True, 30, 2e-3),
    "diabetes": (lambda seed: datasets.load_diabetes(return_X_y=True), False, 15, 2e-3),
    "Friedman 1": (lambda seed: datasets.make_friedman1(ROWS, noise=1.0, random_state=seed), False, 60, 5e-3),
    "Friedman 2": (lambda seed: datasets.make_friedman2(ROWS, noise=125.0, random_state=seed), False, 60, 5e-3),
    "Friedman 3": (lambda seed: datasets.make_friedman3(ROWS, noise=0.1, random_state=seed), False, 60, 5e-3),
}


class Case:
    """One split of a data set, standardized by its training rows."""

    def __init__(self, name, seed):
        load, self.has_classes, self.epochs, self.learning_rate = DATASETS[name]
        x, y = load(seed)
        stratify = y if self.has_classes else None
        x, self.x_test, y, self.y_test = train_test_split(
            x, y, test_size=TEST_SHARE, random_state=seed, stratify=stratify
        )
        scale = StandardScaler().fit(x)
        self.x, self.x_test = (scale.transform(each).astype(np.float32) for each in (x, self.x_test))
        if not self.has_classes:
            mean, deviation = y.mean(), y.std()
            y, self.y_test = ((each - mean) / deviation for each in (y, self.y_test))
        self.y, self.seed = y if self.has_classes else y.astype(np.float32), seed
        classes = len(np.unique(y)) if self.has_classes else 0
        self.units = classes if classes > 2 else 1
        self.activation, self.loss = "linear", "mse"
        if classes == 2:
            self.activation, self.loss = "sigmoid", "binary_crossentropy"
        elif classes:
            self.activation, self.loss = "softmax", "sparse_categorical_crossentropy"

    def score(self, outputs):
        """Return the accuracy of classes, or R² of numbers."""
        if not self.has_classes:
            return r2_score(self.y_test, outputs[:, 0])
        chosen = outputs.argmax(axis=1) if self.units > 1 else outputs[:, 0] > 0.5
        return accuracy_score(self.y_test, chosen)


def sequential(library, case):
    """Return the layers of a case as a compiled model of fastnn or Keras, which take the same program."""
    layers, initializers = library.layers, library.initializers
    model = library.models.Sequential([library.Input(shape=(case.x.shape[1],))])
    inputs = case.x.shape[1]
    for units in (*HIDDEN, case.units):
        limit = (6 / (inputs + units)) ** 0.5  # scikit-learn draws biases as Glorot draws kernels
        activation = case.activation if len(model.layers) == len(HIDDEN) else ACTIVATION
        bias = initializers.RandomUniform(-limit, limit)
        model.add(layers.Dense(units, activation=activation, bias_initializer=bias))
        inputs = units
    adam = library.optimizers.Adam(learning_rate=case.learning_rate, epsilon=EPSILON)
    model.compile(optimizer=adam, loss=case.loss)
    return model


def by_fastnn(case, cache):
    fastnn.utils.set_random_seed(case.seed)
    model = sequential(fastnn, case)
    model.fit(case.x, case.y, batch_size=BATCH_SIZE, epochs=case.epochs, verbose=0)
    return model.predict(case.x_test)


def by_keras(case, cache):
    """Train a model that keeps its compiled step: compiling one for each seed would take most of the time."""
    keras.utils.set_random_seed(case.seed)
    fresh = sequential(keras, case)
    key = (case.x.shape, case.units)
    if key not in cache:
        cache[key] = fresh
        fresh.optimizer.build(fresh.trainable_variables)
    model = cache[key]
    model.set_weights(fresh.get_weights())
    for variable in model.optimizer.variables:
        if variable.path.split("/")[-1] != "learning_rate":
            variable.assign(np.zeros(variable.shape))
    model.fit(case.x, case.y, batch_size=BATCH_SIZE, epochs=case.epochs, verbose=0)
    return model.predict(case.x_test, verbose=0)


def by_sklearn(case, cache):
    kind = MLPClassifier if case.has_classes else MLPRegressor
    estimator = kind(
        hidden_layer_sizes=HIDDEN,
        activation=ACTIVATION,
        solver="adam",
        alpha=0.0,
        batch_size=BATCH_SIZE,
        learning_rate_init=case.learning_rate,
        max_iter=case.epochs,
        n_iter_no_change=case.epochs + 1,
        epsilon=EPSILON,
        random_state=case.seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that so many epochs were not enough
        estimator.fit(case.x, case.y)
    if not case.has_classes:
        return estimator.predict(case.x_test)[:, None]
    probabilities = estimator.predict_proba(case.x_test)
    return probabilities if case.units > 1 else probabilities[:, 1:]


LIBRARIES = {"fastnn": by_fastnn, "scikit-learn": by_sklearn, "Keras": by_keras}


def paired(ours, theirs):
    """Return the mean of ours - theirs, its 95 % confidence interval as (low, high), and p of the paired t-test."""
    differences = np.asarray(ours) - np.asarray(theirs)
    mean, error = differences.mean(), stats.sem(differences)
    if error == 0:  # all differences are the same
        return mean, (mean, mean), float(mean == 0)
    low, high = stats.t.interval(0.95, len(differences) - 1, loc=mean, scale=error)
    return mean, (low, high), float(2 * stats.t.sf(abs(mean / error), len(differences) - 1))


def compared(scores):
    """Return the table of {data set: {library: [score of each seed]}}, and the p of all tests."""
    others = [name for name in LIBRARIES if name != "fastnn"]
    head = ["data set", "score", *LIBRARIES, *(f"fastnn minus {name} (95 % interval), p" for name in others)]
    lines, chances = [], []
    for name, each in scores.items():
        line = [name, "accuracy" if DATASETS[name][1] else "R²"]
        line += [f"{np.mean(each[library]):.4f} ± {np.std(each[library], ddof=1):.4f}" for library in LIBRARIES]
        for other in others:
            mean, (low, high), chance = paired(each["fastnn"], each[other])
            chances.append(chance)
            line.append(f"{mean:+.4f} ({low:+.4f} to {high:+.4f}), {chance:.3f}")
        lines.append(line)
    return table(head, lines), chances


def measured(names, seeds):
    """Return {data set: {library: scores}} and {library: seconds}."""
    scores = {name: {library: [] for library in LIBRARIES} for name in names}
    seconds, cache = dict.fromkeys(LIBRARIES, 0.0), {}
    for name in names:
        for seed in range(seeds):
            case = Case(name, seed)
            for library, train in LIBRARIES.items():
                start = time.perf_counter()
                outputs = train(case, cache)
                seconds[library] += time.perf_counter() - start
                scores[name][library].append(case.score(outputs))
    return scores, seconds


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="learning.py", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=between(int, 2, 1000), default=20, help="runs of each library on a data set")
    parser.add_argument("--datasets", type=one_of(list(DATASETS)), default=list(DATASETS), help="comma-separated")
    options = parser.parse_args(arguments)

    def run():
        scores, seconds = measured(options.datasets, options.seeds)
        text, chances = compared(scores)
        print(text)
        most = 1 - 0.95 ** (1 / len(chances))
        print(
            f"\nMean and standard deviation over {options.seeds} seeds. The least p of {len(chances)} tests is "
            f"{min(chances):.3f}; equal libraries give one below {most:.4f} in 5 % of such tables (Šidák)."
        )
        print("Seconds in all: " + ", ".join(f"{name} {each:.0f}" for name, each in seconds.items()))
        packages = f"keras {keras.__version__} ({keras.backend.backend()}), scikit-learn {sklearn.__version__}"
        print("; ".join(f"{name}: {value}" for name, value in timing.environment().items()) + f"; {packages}")
        return 0

    return exit_code("learning.py", run)


if __name__ == "__main__":
    sys.exit(main())
