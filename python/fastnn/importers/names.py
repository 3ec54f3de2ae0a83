"""The names of layers: those of what they were at the source, each unlike all others, as Keras requires."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from fastnn.layers.layer import Layer
from fastnn.text import is_text

_LONGEST_NAME = 1000


def named(layers: Sequence[Layer], sources: Iterable[str], names: Mapping[str, str]) -> list[Layer]:
    """Return the layers with the names of their sources; others keep their automatic ones.

    sources: of the step that each layer is, or, if steps fold into it, of the product. names: by source.

    >>> both = [Dense(3, name="dense"), Activation("relu", name="activation")]
    >>> [layer.name for layer in named(both, ["layer 'fc'", "layer 'fc'"], {"layer 'fc'": "fc"})]
    ['fc', 'fc_1']
    """
    wanted = [names.get(source, "") for source in sources]
    kept = [name if is_text(name) and len(name) <= _LONGEST_NAME else "" for name in wanted]
    if not any(kept):
        return list(layers)
    given, taken, numbers = set(kept), set[str](), Counter[str]()
    made = []
    for layer, own in zip(layers, kept, strict=True):
        name = base = own or layer.name
        while name in taken or (name in given and name != own):
            numbers[base] += 1
            name = f"{base}_{numbers[base]}"
        taken.add(name)
        made.append(type(layer).from_config({**layer.get_config(), "name": name}))
    return made
