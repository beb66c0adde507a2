"""Rid FastSpeech2 of two TensorFlow operators that current LiteRT does not have."""

from typing import Any

import numpy as np


def without_flex(model: bytes) -> bytes:
    """Return the TFLite model with its FlexRandomUniform operators made constant.

    They are the noise of a drop-out that was left on. FILL(0.99) keeps every value, so the gain
    that made up for the dropped ones becomes 1.
    """
    import flatbuffers  # noqa: PLC0415 - of the model group
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415

    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    graph = tree.subgraphs[0]
    _set_gain(tree, graph)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FILL
    code.version = 1
    tree.operatorCodes.append(code)
    constant = _add_scalar(schema, tree, graph)
    for operator in graph.operators:
        if tree.operatorCodes[operator.opcodeIndex].customCode == b"FlexRandomUniform":
            operator.opcodeIndex = len(tree.operatorCodes) - 1
            operator.inputs = np.array([operator.inputs[0], constant], np.int32)
            operator.customOptions = None
            operator.builtinOptionsType = schema.BuiltinOptions.FillOptions
            operator.builtinOptions = schema.FillOptionsT()
    builder = flatbuffers.Builder(len(model))
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _bytes_of(value: float) -> Any:
    return np.frombuffer(np.float32(value).tobytes(), np.uint8)


def _set_gain(tree: Any, graph: Any) -> None:
    gain = next(tensor for tensor in graph.tensors if tensor.name.endswith(b"dropout/Const"))
    tree.buffers[gain.buffer].data = _bytes_of(1.0)


def _add_scalar(schema: Any, tree: Any, graph: Any) -> int:
    buffer = schema.BufferT()
    buffer.data = _bytes_of(0.99)
    tree.buffers.append(buffer)
    tensor = schema.TensorT()
    tensor.shape, tensor.type = np.array([], np.int32), schema.TensorType.FLOAT32
    tensor.buffer, tensor.name = len(tree.buffers) - 1, b"keep_all"
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1
