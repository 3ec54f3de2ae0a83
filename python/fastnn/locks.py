"""The lock that is held while layers, weights or networks change; predictions do not need it."""

import os
import threading

# One for all, since models share layers; reentrant, since a model's change is made of its layers'.
changes = threading.RLock()
# A child process must not inherit it held by a thread that the child does not have.
os.register_at_fork(before=changes.acquire, after_in_parent=changes.release, after_in_child=changes.release)
