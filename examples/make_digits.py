"""Train the network of examples/digits.safetensors with scikit-learn, and write the rows it has not seen.

    pip install fastnn scikit-learn
    python examples/make_digits.py

The data are scikit-learn's handwritten digits: 1797 images of 8 x 8 pixels, each from 0 to 16.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from fastnn.layers import Dense
from fastnn.models import Sequential

HERE = Path(__file__).parent


def main():
    digits = load_digits()
    x_train, x_test, y_train, y_test = train_test_split(
        digits.data, digits.target, test_size=0.2, random_state=0, stratify=digits.target
    )
    classifier = MLPClassifier((64, 32), max_iter=1000, random_state=0).fit(x_train, y_train)

    model = Sequential(name="digits")
    sizes = [*classifier.hidden_layer_sizes, len(classifier.classes_)]
    activations = ["relu", "relu", "softmax"]
    for i, (units, activation) in enumerate(zip(sizes, activations, strict=True)):
        layer = Dense(units, activation, input_shape=(classifier.coefs_[i].shape[0],), name=f"dense_{i}")
        model.add(layer)
        layer.set_weights([classifier.coefs_[i], classifier.intercepts_[i]])
    model.save(HERE / "digits.safetensors")

    names = [*digits.feature_names, "digit"]
    rows = np.column_stack([x_test, y_test]).astype(int)
    np.savetxt(HERE / "digits.csv", rows, fmt="%d", delimiter=",", header=",".join(names), comments="")
    print(f"accuracy on {len(y_test)} held-out rows: {(model.predict(x_test).argmax(axis=1) == y_test).mean():.4f}")
    print(f"as scikit-learn finds it:      {classifier.score(x_test, y_test):.4f}")


if __name__ == "__main__":
    main()
