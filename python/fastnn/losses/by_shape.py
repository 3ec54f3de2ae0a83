"""The names that mean another loss or metric for other shapes: "crossentropy" and "accuracy"."""

_KINDS = {"crossentropy": "crossentropy", "ce": "crossentropy", "accuracy": "accuracy", "acc": "accuracy"}


def of_shape(identifier: object, columns: int, units: int) -> object:
    """Return the name that identifier means for targets of `columns` and outputs of `units`; others unchanged.

    >>> of_shape("accuracy", 1, 1), of_shape("acc", 1, 3), of_shape("ce", 3, 3), of_shape("mse", 1, 1)
    ('binary_accuracy', 'sparse_categorical_accuracy', 'categorical_crossentropy', 'mse')
    """
    kind = _KINDS.get(identifier.lower()) if isinstance(identifier, str) else None
    if kind is None:
        return identifier
    return f"{'binary' if units == 1 else 'sparse_categorical' if columns == 1 else 'categorical'}_{kind}"
