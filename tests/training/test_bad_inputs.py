"""What users get wrong around compile(), fit() and evaluate(): one sentence each, or the result that was meant.

test_fit_errors.py has the errors of arrays and of arguments that every call checks.
"""

import numpy as np
import pandas
import pytest

from fastnn import metrics, optimizers, schedules
from fastnn.callbacks import (
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from fastnn.layers import Dense
from fastnn.models import Sequential, load_model
from fastnn.models.checks import checked_class_weight
from fastnn.models.trainer import NonFiniteLossError
from training import At, model_of, rows, same

X, Y = rows(40)
LABELS = (Y[:, 0] > 0).astype(int)
ROW = X[:8], Y[:8]


def classifier(units=1, loss=None, **options):
    model = Sequential([Dense(4, "relu", input_shape=(3,)), Dense(units, "sigmoid" if units == 1 else "softmax")])
    model.compile("adam", loss or ("bce" if units == 1 else "sparse_categorical_crossentropy"), **options)
    return model


def fit(model=None, x=X, y=Y, **options):
    return (model or model_of(X)).fit(x, y, **({"verbose": 0} | options)).history


def spoilt(*last):
    """A generator whose last batch is another."""
    yield ROW
    yield last if len(last) > 1 else last[0]


def of_layer(layer, optimizer):
    model = Sequential([layer])
    model.compile(optimizer, "mse")
    return model


def named(classes):
    model = classifier()
    model.classes = classes
    return model


class Scheduled(schedules.LearningRateSchedule):
    def __init__(self, rate):
        self.rate = rate

    def __call__(self, step):
        return self.rate


def squares(y, y_pred):
    return ((y_pred - y) ** 2)[:, 0], 2 * (y_pred - y)


class Text(metrics.Metric):
    def __init__(self):
        super().__init__("text")

    def update_state(self, y_true, y_pred, sample_weight=None):
        pass

    def result(self):
        return "high"

    def reset_state(self):
        pass


class Sparse:
    shape = (40, 3)

    def toarray(self):
        return X


MISTAKES = {
    # x, y
    "a tuple": (lambda: fit(x=(X, Y), y=None), "expected x and y as two arguments; received a tuple of arrays"),
    "a dict": (lambda: fit(x={"a": X}, y=None), "expected x to be an array or a frame with y, .*; received dict"),
    "a file's name": (lambda: fit(x="data.csv", y=None), "expected x to be an array .*; received str"),
    "a generator's function": (lambda: fit(x=lambda: spoilt(ROW), y=None), "received function: call it"),
    "one row": (lambda: fit(x=X[0], y=Y[:1]), r"received shape \(3,\): for one row use x.reshape\(1, -1\)"),
    "text": (lambda: fit(x=X.astype(str)), "expected an array of real numbers; received ndarray of dtype <U"),
    "objects": (lambda: fit(x=X.astype(object)), r"use x.astype\('float64'\)"),
    "complex": (lambda: fit(x=X + 0j), "expected an array of real numbers"),
    "a frame with NA": (
        lambda: fit(x=pandas.DataFrame(X).mask(X > 0.99)),
        "expected finite numbers in x; received nan",
    ),
    "a frame with text": (
        lambda: fit(x=pandas.DataFrame({"a": ["u"] * 40})),
        "expected real numbers in each column; received 'u'",
    ),
    "masked": (lambda: fit(x=np.ma.masked_array(X, X > 0)), "expected an array without masked values"),
    "a column's name": (lambda: fit(x=pandas.DataFrame(X), y="target"), "expected y of shape"),
    "y with NA": (lambda: fit(y=pandas.Series([1, None] * 20, dtype="Int64")), "expected finite numbers in y"),
    # labels
    "labels below 0": (lambda: fit(classifier(3), y=LABELS - 1), "received -1 in row .*: number the classes from 0"),
    "two labels from 1": (lambda: fit(classifier(), y=LABELS + 1), "number the classes from 0, as y - 1 does"),
    "a metric's name as the loss": (lambda: classifier(loss="accuracy"), "received 'accuracy'$"),
    "metrics as the third argument": (
        lambda: Sequential([Dense(1, input_shape=(2,))]).compile("adam", "mse", ["mae"]),
        r"received loss_weights=\['mae'\]: metrics are given by name, metrics=\['mae'\]$",
    ),
    "a misspelt monitor": (
        lambda: fit(validation_split=0.2, callbacks=[EarlyStopping("val_los")]),
        "did you mean 'val_loss'",
    ),
    "labels from 1": (lambda: fit(classifier(2), y=LABELS + 1), "number the classes from 0, as y - 1 does"),
    "fractions": (lambda: fit(classifier(3), y=LABELS + 0.5), "to predict numbers use another loss"),
    "-1 and 1": (lambda: fit(classifier(), y=2 * LABELS - 1), "turn -1 and 1 into 0 and 1"),
    "negative one-hot rows": (
        lambda: fit(classifier(2, "categorical_crossentropy"), y=-np.eye(2)[LABELS]),
        "expected targets of at least 0 for categorical_crossentropy; received -1.0 in row 0",
    ),
    "negative counts": (lambda: fit(model_of(X, loss="poisson")), "expected targets of at least 0 for poisson"),
    "a text without classes": (lambda: fit(classifier(), y=["no", "yes"] * 20), "set model.classes"),
    "a frame of text without classes": (
        lambda: fit(classifier(), y=pandas.DataFrame({"bought": ["no", "yes"] * 20})),
        "expected y of numbers; received text, such as 'no': set model.classes",
    ),
    "numbers as text": (
        lambda: fit(y=pandas.DataFrame({"price": ["1", "2"] * 20})),
        "^expected y of numbers; received text, such as '1': convert y to numbers$",
    ),
    "y beside batches": (
        lambda: fit(x=((X, Y) for _ in range(2))),
        r"^expected no y with batches, which hold their targets .* received x, a generator, and y: leave y out",
    ),
    # metrics
    "a metric for one-hot rows": (
        lambda: fit(classifier(2, metrics=["categorical_accuracy"]), y=LABELS),
        r"^metric 'categorical_accuracy': .*; others take one-hot rows, np.eye\(2\)\[y\], with a loss that takes them",
    ),
    "a metric for class numbers": (
        lambda: fit(
            classifier(2, "categorical_crossentropy", metrics=["sparse_categorical_accuracy"]), y=np.eye(2)[LABELS]
        ),
        "for one-hot rows use the loss or metric without 'sparse'",
    ),
    # weights
    "balanced": (lambda: fit(classifier(), y=LABELS, class_weight="balanced"), "expected class_weight to be a dict"),
    "a list of weights": (lambda: fit(classifier(), y=LABELS, class_weight=[1, 2]), r"dict\(enumerate\(x\)\) makes"),
    "a weight of text": (
        lambda: fit(classifier(), y=LABELS, class_weight={0: "a"}),
        r"class_weight\[0\] to be a number",
    ),
    "a weight of NaN": (
        lambda: fit(classifier(), y=LABELS, class_weight={0: np.nan}),
        r"class_weight\[0\] to be a fin",
    ),
    "a negative weight": (
        lambda: fit(classifier(), y=LABELS, class_weight={0: -1.0}),
        r"class_weight\[0\] to be at least 0",
    ),
    "an unknown class": (
        lambda: fit(classifier(), y=LABELS, class_weight={"no": 1.0}),
        "expected class numbers from 0 to 1 as keys",
    ),
    "half a class": (
        lambda: fit(classifier(), y=LABELS, class_weight={0.5: 1.0}),
        "expected class numbers from 0 to 1 as keys",
    ),
    "one weight": (lambda: fit(sample_weight=2.0), "expected sample_weight to be 40 real numbers"),
    # arguments
    "a split of text": (lambda: fit(validation_split="0.2"), "expected validation_split to be a number"),
    "a split of NaN": (lambda: fit(validation_split=np.nan), "expected validation_split to be a finite number"),
    "no steps": (lambda: fit(steps_per_epoch=0), "`steps_per_epoch`, expected a positive integer"),
    "no rows a batch": (
        lambda: fit(validation_data=(X, Y), validation_batch_size=0),
        "`validation_batch_size`, expected",
    ),
    "steps of text": (lambda: fit(validation_steps="x"), "`validation_steps`, expected a positive integer"),
    "an argument of before": (lambda: fit(nb_epoch=3), "unexpected keyword argument 'nb_epoch'; did you mean 'epochs'"),
    "a weight of NaN's class": (
        lambda: fit(classifier(), y=LABELS, class_weight={np.nan: 1.0}),
        "class numbers from 0 to 1 as keys of class_weight; received nan",
    ),
    "a class beyond": (
        lambda: fit(classifier(3), y=LABELS, class_weight={3: 1.0}),
        "class numbers from 0 to 2 as keys of class_weight; received 3",
    ),
    "places of classes that are numbers": (
        lambda: fit(named([1, 2]), y=LABELS + 1, class_weight={0: 1.0, 1: 2.0}),
        "expected classes of the model, 1, 2, as keys of class_weight; received 0",
    ),
    "a class by name and place": (
        lambda: fit(named(["no", "yes"]), y=LABELS, class_weight={"no": 1.0, 0: 2.0}),
        "expected one weight for each class in class_weight; received a second, of 0",
    ),
    "weights of labels together": (
        lambda: fit(classifier(3, "bce"), y=np.ones((40, 3)), class_weight={0: 1.0}),
        r"expected one class in each row of y with class_weight; received \[1.0, 1.0, 1.0\] in row 0: use sample_w",
    ),
    # classes
    "text for classes of numbers": (
        lambda: fit(named([0, 1]), y=np.array(["no", "yes"])[LABELS]),
        "the classes are no text; convert y to their type, or set model.classes to its names",
    ),
    "places for classes of which one is a number": (
        lambda: fit(named([1, "other"]), y=LABELS),
        "expected y to be classes of the model, 1, 'other'; received 0 in row",
    ),
    # validation_data
    "validation of four": (
        lambda: fit(validation_data=(X, Y, Y, Y)),
        r"validation_data: expected \(x, y\) or \(x, y, sample_weight\); received a tuple of 4",
    ),
    "validation without y": (lambda: fit(validation_data=X), "validation_data: expected y"),
    "validation of other columns": (lambda: fit(validation_data=(X[:, :2], Y)), "validation_data: expected x with 3"),
    "validation labels": (
        lambda: fit(classifier(2), y=LABELS, validation_data=(X, LABELS + 1)),
        "validation_data: expected class numbers from 0 to 1",
    ),
    "a validation dict": (lambda: fit(validation_data={"x": X}), "validation_data: expected x to be an array"),
    # batches
    "a batch of x alone": (lambda: fit(x=spoilt(X), y=None), "batch 1 of the epoch: expected data as x and y"),
    "a batch of None": (lambda: fit(x=spoilt(None), y=None), "batch 1 of the epoch: .* received NoneType as a batch"),
    "a batch of four": (lambda: fit(x=spoilt(X, Y, Y, Y), y=None), "batch 1 .* received tuple of 4 as a batch"),
    "a batch of other columns": (lambda: fit(x=spoilt(X[:, :2], Y), y=None), "batch 1 of the epoch: expected x with 3"),
    "a batch of other rows": (lambda: fit(x=spoilt(X, Y[:7]), y=None), "batch 1 .* received 40 rows of x and 7 of y"),
    "a batch of NaN": (lambda: fit(x=spoilt(X * np.nan, Y), y=None), "batch 1 of the epoch: expected finite numbers"),
    "an empty batch": (
        lambda: fit(x=spoilt(X[:0], Y[:0]), y=None),
        "batch 1 of the epoch: expected x of at least 1 row",
    ),
    "targets in a dict": (
        lambda: fit(y={"y": Y}),
        r"expected y of shape \(rows,\) or \(rows, columns\); received dict",
    ),
    "targets without columns": (lambda: fit(y=Y[:, :0]), r"received shape \(40, 0\)$"),
    "targets beyond": (lambda: fit(y=[10**400] * 40), "expected y of real numbers; received objects such as 1000"),
    "text among targets": (lambda: fit(y=np.array([1, "a"] * 20, object)), "received text, such as 'a'"),
    # LBFGS
    "a function for LBFGS": (
        lambda: fit(model_of(X, optimizer="lbfgs", loss=squares)),
        "expected a loss of fastnn.losses for LBFGS; received the function squares",
    ),
    "a rate of a weight for LBFGS": (
        lambda: fit(of_layer(Dense(1, learning_rate_multipliers={"bias": 0.0}), "lbfgs")),
        "statistics of batches, constraints and learning_rate_multipliers for LBFGS",
    ),
    "a plateau of LBFGS": (
        lambda: fit(model_of(X, optimizer="lbfgs"), callbacks=[ReduceLROnPlateau("loss")]),
        "expected an optimizer with a learning rate for ReduceLROnPlateau; received LBFGS",
    ),
    "a schedule of LBFGS": (
        lambda: fit(model_of(X, optimizer="lbfgs"), callbacks=[LearningRateScheduler(lambda epoch, rate: rate)]),
        "expected an optimizer with a learning rate for LearningRateScheduler; received LBFGS",
    ),
    # what functions return
    "a gradient beyond": (
        lambda: fit(model_of(X, dtype="float32", loss=lambda y, p: ((p - y)[:, 0], np.full(p.shape, 1e300)))),
        "to return a gradient within the range of float32; received 1e.300",
    ),
    "a metric of text": (lambda: fit(model_of(X, metrics=[Text()])), r"expected text.result\(\) to be a number"),
    # saving
    "a flag of text": (
        lambda: classifier().save("x.safetensors", include_optimizer="no"),
        "include_optimizer to be True",
    ),
    "a flag of text for loading": (lambda: load_model("x.safetensors", compile="no"), "expected compile to be True or"),
    "a list of functions": (
        lambda: load_model("x.safetensors", custom_objects=[squares]),
        "expected custom_objects to be a dict of names",
    ),
    # sparse
    "sparse rows": (lambda: fit(x=Sparse()), r"expected a dense array; received the sparse Sparse: use x.toarray\(\)"),
    "sparse targets": (lambda: fit(y=Sparse()), r"expected a dense array; received the sparse Sparse"),
    # compile, callbacks
    "a metric named loss": (
        lambda: classifier(metrics=[metrics.MeanSquaredError(name="loss")]),
        "expected metrics with names that no other log has; received one named 'loss'",
    ),
    "a metric of validation": (
        lambda: classifier(weighted_metrics=[metrics.MeanSquaredError(name="val_loss")]),
        "received one named 'val_loss'",
    ),
    "a schedule of text": (
        lambda: fit(model_of(X, optimizer=optimizers.SGD(Scheduled("0.1")))),
        r"expected Scheduled.__call__\(step\) to return a number; received '0.1' at step 0",
    ),
    "a schedule of nothing": (
        lambda: fit(model_of(X, optimizer=optimizers.SGD(Scheduled(None)))),
        "to return a number; received None at step 0",
    ),
    "a plateau of a schedule": (
        lambda: fit(
            model_of(X, optimizer=optimizers.SGD(schedules.CosineDecay(0.1, 10))), callbacks=[ReduceLROnPlateau("loss")]
        ),
        "expected an optimizer whose learning rate is a number",
    ),
    "an open brace": (lambda: ModelCheckpoint("a{.safetensors"), "expected filepath to be a format such as"),
    "a format of other numbers": (
        lambda: fit(callbacks=[ModelCheckpoint("{loss:d}.safetensors")]),
        "Failed to format this callback filepath",
    ),
    "a delta of NaN": (lambda: EarlyStopping(min_delta=np.nan), "expected min_delta to be a finite number"),
    "an optimizer's class": (
        lambda: classifier().compile(optimizers.Adam, "mse"),
        r"the class Adam; call it: Adam\(\)",
    ),
    "a misspelt loss": (lambda: classifier(loss="categorical_crossentropi"), "did you mean 'categorical_crossentropy'"),
    "a misspelt metric": (lambda: classifier(metrics=["acuracy"]), "did you mean 'accuracy'"),
    "a callback's class": (lambda: fit(callbacks=[EarlyStopping]), r"call it: EarlyStopping\(\)"),
    "a long separator": (
        lambda: CSVLogger("x.csv", separator=";;"),
        "expected separator to be a string of 1 character",
    ),
    "too few weights": (
        lambda: fit(callbacks=[At(lambda model: model.set_weights([1]))]),
        "weight list of length 1, but the layer was expecting 4 weights",
    ),
    "a rate of text": (
        lambda: fit(callbacks=[At(lambda model: setattr(model.optimizer, "learning_rate", "x"))]),
        "expected learning_rate to be a number",
    ),
    "fit in fit": (
        lambda: fit(callbacks=[At(lambda model: fit(model))]),
        r"expected one thread at a time to train a model, and fit\(\) after the end of fit\(\)",
    ),
    "a batch in fit": (
        lambda: fit(callbacks=[At(lambda model: model.train_on_batch(X, Y), batches=True)]),
        r"and train_on_batch\(\) after the end of fit\(\)",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_gets_one_sentence(mistake):
    call, message = MISTAKES[mistake]
    with pytest.raises((ValueError, TypeError, RuntimeError), match=message):
        call()


def test_numbers_of_numpy_are_numbers():
    for name in ("batch_size", "steps_per_epoch", "validation_batch_size", "validation_steps", "epochs"):
        fit(validation_data=(X, Y), **{name: np.int64(2)})
    model_of(X).evaluate(X, Y, batch_size=np.int32(8), verbose=0)


def test_class_weights_are_by_number_or_by_name():
    assert checked_class_weight({np.int64(1): 2, 0.0: 1}) == {1: 2.0, 0: 1.0}
    assert checked_class_weight({"yes": 3}, ["no", "yes"]) == {1: 3.0}
    text, numbers = classifier(), classifier()
    numbers.set_weights(text.get_weights())
    text.classes = ["no", "yes"]
    fit(text, y=np.array(["no", "yes"])[LABELS], class_weight={"no": 1, "yes": 4}, seed=1)
    fit(numbers, y=LABELS, class_weight={0: 1, 1: 4}, seed=1)
    assert same(text, numbers)


def test_spent_iterators_log_no_epoch_and_no_validation():
    with pytest.warns(UserWarning, match="ran out of data") as caught:
        history = model_of(X).fit(iter([ROW, ROW]), epochs=3, verbose=0)
    assert caught[0].filename == __file__
    assert history.epoch == [0]
    assert len(history.history["loss"]) == 1
    with pytest.warns(UserWarning, match="ran out of data"):
        logs = fit(validation_data=iter([ROW]), epochs=2)
    assert [len(logs[name]) for name in ("loss", "val_loss")] == [2, 1]


def test_gradient_that_is_not_finite_spoils_no_weight():
    model = model_of(X, loss=lambda y, p: ((p - y)[:, 0] ** 2, np.where(y > 0, np.nan, 2 * (p - y))))
    before = model.get_weights()
    with pytest.raises(ValueError, match="to return a finite gradient; received .*nan.* for row"):
        fit(model)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_poisson_of_outputs_below_0_names_an_activation():
    model = model_of(X, loss="poisson")
    model.set_weights([array * 0 - 1 for array in model.get_weights()])
    with pytest.raises(NonFiniteLossError, match="use a last activation above 0, such as 'exponential'"):
        fit(model, y=np.abs(Y))
