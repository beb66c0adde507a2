"""The encoder's layers as the graph that onnxruntime runs, and back.

Matrices become whole numbers of seven bits with a scale for each output, states of eight bits with
a scale for each text (dynamic quantisation, as onnxruntime's documentation describes): seven and
not eight, so that processors without VNNI instructions add up the same without overflow.
"""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from e5_file import Layer
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

_OPSETS = {"": 18, "com.microsoft": 1}
_IR = 9
_HEADS = 12
_EPS = 1e-12
_MATRICES = ("qkv", "out", "up", "down")
_OWN = {"MultiHeadAttention", "FastGelu"}
"""Operators of onnxruntime, not of the standard."""
_LEAST, _LAST = "least", "last"
_WHOLE, _SCALE = "_quantized", "_scale"
"""What onnxruntime appends to a matrix's name."""


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.held: list[onnx.TensorProto] = []

    def hold(self, name: str, value: np.ndarray) -> str:
        self.held.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def add(self, kind: str, inputs: list[str], out: str, **more: float) -> str:
        domain = "com.microsoft" if kind in _OWN else ""
        self.nodes.append(helper.make_node(kind, inputs, [out], domain=domain, **more))
        return out

    def layer(self, number: int, layer: Layer, state: str, out: str) -> None:
        def at(name: str) -> str:
            return f"{number}.{name}"

        def times(given: str, name: str) -> str:
            held = self.hold(at(name), getattr(layer, name))
            return self.add("MatMul", [given, held], at(f"{name}.times"))

        def bias(name: str) -> str:
            return self.hold(at(f"{name}.bias"), getattr(layer, f"{name}_bias"))

        def biased(given: str, name: str, to: str) -> str:
            return self.add("Add", [times(given, name), bias(name)], to)

        def normed(given: str, skipped: str, name: str, to: str) -> str:
            # In steps: onnxruntime's own normalisation takes twice as long, a fifth of it all.
            def step(kind: str, inputs: list[str], what: str) -> str:
                return self.add(kind, inputs, at(f"{name}.{what}"))

            weight, shift = getattr(layer, name)
            summed = step("Add", [given, skipped], "summed")
            off = step("Sub", [summed, step("ReduceMean", [summed, _LAST], "mean")], "off")
            squared = step("Mul", [off, off], "squared")
            spread = step("Add", [step("ReduceMean", [squared, _LAST], "var"), _LEAST], "more")
            even = step("Div", [off, step("Sqrt", [spread], "root")], "even")
            grown = step("Mul", [even, self.hold(at(f"{name}.weight"), weight)], "grown")
            return self.add("Add", [grown, self.hold(at(f"{name}.shift"), shift)], to)

        parts = [at(name) for name in ("query", "key", "value")]
        asked = biased(state, "qkv", at("asked"))
        self.nodes.append(helper.make_node("Split", [asked], parts, axis=2, num_outputs=3))
        mixed = self.add("MultiHeadAttention", parts, at("mixed"), num_heads=_HEADS)
        middle = normed(biased(mixed, "out", at("out.biased")), state, "norm", at("middle"))
        inner = self.add("FastGelu", [times(middle, "up"), bias("up")], at("inner"))
        normed(biased(inner, "down", at("down.biased")), middle, "last_norm", out)


def graph(layers: list[Layer]) -> bytes:
    """Return the graph from `begun` to `states`, both (texts, pieces, width)."""
    made = _Graph()
    made.hold(_LEAST, np.array(_EPS))
    made.held.append(numpy_helper.from_array(np.array([-1]), _LAST))
    names = ["begun", *(f"{number}.state" for number in range(1, len(layers))), "states"]
    for number, layer in enumerate(layers):
        made.layer(number, layer, names[number], names[number + 1])
    shape = ["texts", "pieces", int(layers[0].out.shape[0])]
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in (names[0], names[-1])
    ]
    whole = helper.make_graph(made.nodes, "encoder", ends[:1], ends[1:], made.held)
    model = helper.make_model(
        whole, opset_imports=[helper.make_opsetid(*one) for one in _OPSETS.items()], ir_version=_IR
    )
    with tempfile.TemporaryDirectory() as folder:
        full, small = Path(folder) / "full.onnx", Path(folder) / "small.onnx"
        onnx.save(model, full)
        quantize_dynamic(
            full,
            small,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
        return small.read_bytes()


def layers(made: bytes) -> list[Layer]:
    """Return the layers of a graph made here, as nearly as whole numbers hold them."""
    held = {
        one.name: numpy_helper.to_array(one)
        for one in onnx.ModelProto.FromString(made).graph.initializer
    }

    def layer(number: int) -> Layer:
        def matrix(name: str) -> np.ndarray:
            whole = held[f"{number}.{name}{_WHOLE}"].astype(np.float32)
            return whole * held[f"{number}.{name}{_SCALE}"].astype(np.float32)

        def norm(name: str) -> tuple[np.ndarray, np.ndarray]:
            return held[f"{number}.{name}.weight"], held[f"{number}.{name}.shift"]

        matrices = {name: matrix(name) for name in _MATRICES}
        biases = {f"{name}_bias": held[f"{number}.{name}.bias"] for name in _MATRICES}
        return Layer(**matrices, **biases, norm=norm("norm"), last_norm=norm("last_norm"))

    count = len({name.partition(".")[0] for name in held if name.endswith(".bias")})
    return [layer(number) for number in range(count)]
