"""Write examples/bank_customers.csv: 2000 made-up customers of a bank, and how many transactions each makes in a year.

    python examples/make_bank_customers.py

The numbers are drawn by fastnn's own generator, so the file is the same everywhere.
"""

from pathlib import Path

import numpy as np

from fastnn.initializers import RandomNormal, RandomUniform

CUSTOMERS = 2000


def main():
    uniform = RandomUniform(0, 1, seed=1)((CUSTOMERS, 5))
    normal = RandomNormal(stddev=1, seed=2)((CUSTOMERS, 2))
    age = np.round(18 + 72 * uniform[:, 0])
    retired = (age + 4 * normal[:, 0] > 64).astype(int)
    children = np.floor(4 * uniform[:, 1] ** 1.5)
    balance = np.round(np.exp(7.5 + 0.02 * age + 0.9 * normal[:, 1]))
    accounts = 1 + np.floor(3 * uniform[:, 2] * np.minimum(1, balance / 8000))
    # What people do is no sum of what they are: the retired spend otherwise than the others do.
    rate = 12 + 6 * children * (1 - retired) + 3 * accounts + 9 * np.log10(1 + balance / 1000) * (1 + retired)
    transactions = np.round(rate * np.exp(-(((age - 45) / 40) ** 2)) + 6 * (uniform[:, 3] - 0.5))
    columns = [age, retired, children, accounts, balance, np.maximum(0, transactions)]
    names = "age,retired,children,accounts,balance,transactions"
    table = np.column_stack(columns).astype(int)
    path = Path(__file__).parent / "bank_customers.csv"
    np.savetxt(path, table, fmt="%d", delimiter=",", header=names, comments="")
    print(f"wrote {path.name}: {len(table)} customers")


if __name__ == "__main__":
    main()
