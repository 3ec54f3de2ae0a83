"""Iterables of batches in fit(): which batches an epoch takes, and where the next one goes on."""

from contextlib import suppress

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import BackupAndRestore, Callback
from fastnn.layers import Dense
from fastnn.models import Sequential
from training import model_of, rows, same

X, Y = rows(20)
BATCHES = [(X[i : i + 5], Y[i : i + 5]) for i in range(0, 20, 5)]


class Loader:
    """As a DataLoader: it can be iterated again, and len() may fail."""

    def __init__(self):
        self.begun = 0

    def __iter__(self):
        self.begun += 1
        return iter(BATCHES)

    def __len__(self):
        raise TypeError("an endless set has no length")


class Indexed(fastnn.utils.PyDataset):
    def __init__(self):
        super().__init__()
        self.read = []

    def __len__(self):
        return len(BATCHES)

    def __getitem__(self, number):
        self.read.append(number)
        return BATCHES[number]


def test_a_loader_begins_anew_where_steps_go_beyond_it():
    loader = Loader()
    history = model_of(X).fit(loader, epochs=6, steps_per_epoch=2, verbose=0)
    assert (len(history.epoch), loader.begun) == (6, 3)


def test_validation_takes_a_loader_that_begins_anew():
    history = model_of(X).fit(X, Y, epochs=6, validation_data=Loader(), validation_steps=3, verbose=0).history
    assert len(history["val_loss"]) == len(history["loss"]) == 6


def test_a_generator_that_ends_early_ends_training_with_a_warning():
    model = model_of(X)
    with pytest.warns(UserWarning, match="ran out of data"):
        history = model.fit(iter(BATCHES), epochs=6, steps_per_epoch=3, verbose=0)
    assert len(history.epoch) == 2


def test_an_iterable_whose_length_fails_is_read_to_its_end():
    history = model_of(X).fit(Loader(), epochs=2, verbose=0).history
    assert len(history["loss"]) == 2


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 9])
def test_the_next_epoch_of_a_data_set_goes_on_behind_the_last(steps):
    data = Indexed()
    model_of(X).fit(data, epochs=3, steps_per_epoch=steps, shuffle=False, verbose=0)
    read = data.read[-3 * steps :]  # before, the first batch told the shapes
    assert read == [number % 4 for number in range(3 * steps)]


def test_each_pass_of_a_shuffled_data_set_has_an_order_of_its_own():
    data = Indexed()
    model_of(X).fit(data, epochs=6, steps_per_epoch=2, verbose=0, seed=1)
    passes = np.reshape(data.read[-12:], (3, 4))
    assert (np.sort(passes) == range(4)).all()
    assert len({tuple(each) for each in passes.tolist()}) > 1


class Sized(Loader):
    def __len__(self):
        return len(BATCHES)


@pytest.mark.parametrize("is_built", [True, False])
@pytest.mark.parametrize("data", [Sized, Indexed])
@pytest.mark.parametrize("cut", [(0, 5), (1, 2)])  # the backups are those of steps 3 and 9, within a pass of 4
def test_a_run_that_was_cut_goes_on_with_the_batches_it_would_have_had(tmp_path, data, cut, is_built):
    class Cut(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if (len(self.model.history.epoch), batch) == cut:
                raise KeyboardInterrupt

    def fit(*callbacks):
        model = model_of(X)
        if not is_built:  # then fit() looks at the first batch
            model = Sequential([Dense(1, kernel_initializer="zeros")])
            model.compile("sgd", "mse")
        with suppress(KeyboardInterrupt):
            model.fit(data(), epochs=2, steps_per_epoch=7, shuffle=False, verbose=0, seed=1, callbacks=[*callbacks])
        return model

    whole = fit()
    fit(BackupAndRestore(tmp_path / "backup", save_freq=3), Cut())
    assert same(fit(BackupAndRestore(tmp_path / "backup", save_freq=3)), whole)


@pytest.mark.parametrize("change", [-1, 1])
def test_an_epoch_takes_the_batches_that_a_data_set_has_then(change):
    class Changing(Indexed):
        size = 3

        def __len__(self):
            return self.size

        def on_epoch_end(self):
            self.size += change

    data = Changing()
    model_of(X).fit(data, epochs=2, shuffle=False, verbose=0)
    assert data.read[1:] == [*range(3), *range(3 + change)]


def test_a_length_that_is_no_number_is_an_error_of_its_own():
    class Halves(Indexed):
        def __len__(self):
            return 20 / 5

    with pytest.raises(TypeError, match="float"):
        model_of(X).fit(Halves(), verbose=0)


def test_a_new_head_begins_with_fresh_numbers_of_the_optimizer():
    model = Sequential([Dense(1, use_bias=False, kernel_initializer="zeros", input_shape=(3,))])
    model.compile(fastnn.optimizers.SGD(0.0, use_ema=True, ema_momentum=0.9), "mse")
    model.fit(X, Y, verbose=0)
    model.pop()
    model.add(Dense(1, use_bias=False, kernel_initializer="ones"))
    model.fit(X, Y, verbose=0)
    assert (model.get_weights()[0] == 1).all()


class Endless(fastnn.utils.PyDataset):
    """A data set that has an item for every number, as those of Keras may."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return X, Y


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model.predict(Endless()),
        lambda model: model(Endless()),
        lambda model: model.fit(X, Endless()),
        lambda model: model.evaluate(Endless(), Y),
        lambda model: model.train_on_batch(Endless()),
        lambda model: fastnn.layers.Normalization().adapt(Endless()),
    ],
)
def test_a_data_set_where_an_array_belongs_is_refused_and_not_read_for_ever(use):
    with pytest.raises(TypeError, match="^expected an array; received the data set Endless: fit and evaluate take"):
        use(model_of(X))
