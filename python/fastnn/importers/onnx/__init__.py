"""ONNX: its files, checked from the wire on, and the steps of a graph that is a chain."""
