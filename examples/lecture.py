"""An introductory lecture on deep learning, run with fastnn: perceptron, forward propagation, activation functions,
deeper networks, hidden layers as representations, Keras' Sequential and Dense.

    python examples/lecture.py
"""

from pathlib import Path

import numpy as np

from fastnn.layers import Dense
from fastnn.models import Sequential


def two_layer_network(hidden, output, activation):
    """2 inputs -> 2 hidden nodes -> 1 output, without bias; hidden: the weights into each node."""
    model = Sequential(dtype="float64")
    model.add(Dense(2, activation=activation, use_bias=False, input_shape=(2,)))
    model.add(Dense(1, use_bias=False))
    model.set_weights([np.transpose(hidden), np.reshape(output, (2, 1))])
    return model


def show_forward_propagation(title, model, x):
    hidden, output = model.representations(x)
    print(f"{title}\n  inputs {x}\n  hidden layer {hidden.tolist()}\n  output {output.item()!r}\n")
    return output.item()


def perceptron(weights, bias):
    """Weighted sum, bias, step: 1 where weights . x + bias >= 0, else 0."""
    model = Sequential([Dense(1, activation="step", input_shape=(2,))])
    model.set_weights([np.reshape(weights, (2, 1)), [bias]])
    return model


def show_perceptrons():
    corners = [[0, 0], [0, 1], [1, 0], [1, 1]]
    print("A perceptron is a linear binary classifier; weights [1, 1], the bias shifts where it switches")
    for name, bias in (("OR", -0.5), ("AND", -1.5), ("always", 0.0), ("never", -2.5)):
        answers = perceptron([1, 1], bias).predict(corners)[:, 0].astype(int).tolist()
        print(f"  bias {bias:4}: {dict(zip(map(tuple, corners), answers, strict=True))}  {name}")
    print()


def show_forward_propagations():
    # 1.2382242525694254 belongs to the inputs [2, 3]; some slides print it beside [-1, 2], whose output is 0.9901…
    linear = two_layer_network([[1, 1], [-1, 1]], [2, -1], "linear")
    show_forward_propagation("Forward propagation: multiply, add", linear, [2, 3])
    tanh = two_layer_network([[1, 1], [-1, 1]], [2, -1], "tanh")
    show_forward_propagation("With tanh in the hidden layer", tanh, [2, 3])
    other = two_layer_network([[3, 3], [1, 5]], [2, -1], "tanh")
    show_forward_propagation("Other inputs and weights, tanh", other, [-1, 2])
    relu = two_layer_network([[2, 4], [4, -5]], [2, 7], "relu")
    show_forward_propagation("With relu: a node whose sum is negative stays silent", relu, [3, 5])


def show_deeper_network():
    print("A deeper network: each hidden layer is a representation of the row, built from the one before")
    model = Sequential(dtype="float64")
    for units, kernel in ((2, [[2, 4], [4, -5]]), (2, [[-1, 1], [2, 2]]), (1, [[-3, 7]])):
        model.add(Dense(units, activation="relu" if units > 1 else None, use_bias=False, input_shape=(2,)))
        model.layers[-1].set_weights([np.transpose(kernel)])
    x = [3, 5]
    for i, representation in enumerate(model.representations(x), 1):
        print(f"  layer {i}: {representation.tolist()}")
    print()


def show_keras_program():
    print("The lecture's Keras program, with other import lines")
    table = np.loadtxt(Path(__file__).parent / "digits.csv", delimiter=",", skiprows=1)
    predictors = table[:, :-1]  # the last column is the digit
    n_cols = predictors.shape[1]
    model = Sequential()
    model.add(Dense(100, activation="relu", input_shape=(n_cols,)))
    model.add(Dense(100, activation="relu"))
    model.add(Dense(1))
    model.summary()
    predictions = model.predict(predictors)
    print(f"predictions: {predictions.shape} {predictions.dtype}")


if __name__ == "__main__":
    show_perceptrons()
    show_forward_propagations()
    show_deeper_network()
    show_keras_program()
