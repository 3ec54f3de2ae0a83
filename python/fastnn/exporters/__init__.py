"""Models for other programs: ONNX, a C++ header."""
