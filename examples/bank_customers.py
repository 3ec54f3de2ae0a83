"""The lecture's regression: how many transactions does a bank's customer make? From a csv to a trained, saved, exported
network. The program is Keras' but for its import lines and the two of export and comparison.

    python examples/bank_customers.py
"""

from pathlib import Path

import numpy as np

from fastnn.callbacks import EarlyStopping
from fastnn.layers import Dense, Normalization
from fastnn.models import Sequential, load_model
from fastnn.utils import set_random_seed

set_random_seed(1)
data = np.loadtxt(Path(__file__).parent / "bank_customers.csv", delimiter=",", skiprows=1)
predictors, target = data[:, :-1], data[:, -1]
n_cols = predictors.shape[1]

scaling = Normalization()
scaling.adapt(predictors)
model = Sequential()
model.add(scaling)
model.add(Dense(100, activation="relu", input_shape=(n_cols,)))
model.add(Dense(100, activation="relu"))
model.add(Dense(1))
model.compile(optimizer="adam", loss="mean_squared_error", metrics=["mae"])
history = model.fit(
    predictors, target, validation_split=0.3, epochs=50, callbacks=[EarlyStopping(patience=5)], verbose=2
)

model.save("bank_customers.safetensors")
model.export("bank_customers.hpp")  # one C++17 header that computes the same bits
again = load_model("bank_customers.safetensors")
print(f"mean absolute error: {history.history['val_mae'][-1]:.2f} transactions")
print(f"of the mean as the answer: {np.abs(target - target.mean()).mean():.2f}")
print(f"the first customer makes {target[0]:.0f}; predicted {again.predict(predictors[0])[0]:.1f}")
