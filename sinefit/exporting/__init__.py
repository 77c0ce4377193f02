"""A field in open formats: ONNX, torch.export, a NumPy decoder and a GLSL function."""
