"""PyTorch: its live modules, its state dicts, and its export to ONNX for forwards of their own."""
