"""All surgery on ONNX graphs. Needs the packages onnx and onnx-ir, which the extras bring."""
