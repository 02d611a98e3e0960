"""All surgery on ONNX graphs. Needs the packages onnx and onnx-ir, which the extras bring.

Between functions an encoder is an `onnx.ModelProto` that nobody changes; a surgery edits an `onnx_ir.Model` of it and
gives a new one.
"""
