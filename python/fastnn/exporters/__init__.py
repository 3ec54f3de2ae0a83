"""Models for other programs: ONNX files and C++ headers."""
