"""Keras: its files, .keras and .h5, and its live models. Layers, activations and nodes are the same of both."""
