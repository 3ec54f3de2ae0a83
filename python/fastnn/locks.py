"""The lock for changes of layers, weights and networks. Predictions do not need it."""

import os
import threading

# One lock for all models, because models share layers. Reentrant, because a model's change includes its layers'.
changes = threading.RLock()
# A forked child must not inherit the lock in the hands of a thread that exists only in its parent.
os.register_at_fork(before=changes.acquire, after_in_parent=changes.release, after_in_child=changes.release)
