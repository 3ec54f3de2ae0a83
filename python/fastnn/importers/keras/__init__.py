"""Keras models, from .keras and .h5 files and from live objects; one reader for all of them."""
