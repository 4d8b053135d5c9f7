"""Turns an ONNX perceptron or transformer block and its EZKL input into a network that LazVM quantizes and proves.

Usage: python3 convert_onnx.py MODEL.onnx --input MODEL.json --out MODEL.safetensors
                               [--name NAME] [--samples N] [--seed N]

Reads two kinds of graph, however their nodes and tensors are called, and refuses every other:

- a perceptron: MatMul or Gemm, an optional Add of a bias, and Relu between the layers;
- a transformer block: LayerNorm without a gain, attention of one head and every row to every row, the residual,
  LayerNorm, two MatMul with Relu between them, the residual.

The JSON holds `{"input_data": [[numbers]]}`, as EZKL reads it. It is the first sample and the one to run; N - 1 more (16 in
all by default) are drawn from a normal distribution of its mean and deviation, since one alone would fix the scales of
activations. `output` is what ONNX's reference evaluator computes of all of them.

Needs `pip install onnx numpy safetensors`.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import save_file

DEFAULT_SAMPLES = 16


class Unread(Exception):
    """The graph is neither kind."""


class Graph:
    """The nodes of a model by what they write."""

    def __init__(self, model):
        graph = model.graph
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant":
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        self.nodes = {name: node for node in graph.node for name in node.output}
        inputs = [value for value in graph.input if value.name not in self.constants]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise Unread(f"it has {len(inputs)} inputs and {len(graph.output)} outputs, not one of each")
        self.input, self.output = inputs[0].name, graph.output[0].name
        self.shape = [size.dim_value for size in inputs[0].type.tensor_type.shape.dim]
        self.seen = set()

    def node(self, name, kind):
        """The node of this kind that writes `name`."""
        node = self.nodes.get(name)
        if node is None or node.op_type != kind:
            got = "an input" if node is None else node.op_type
            raise Unread(f"{name} comes from {got}, not from {kind}")
        self.seen.add(node.output[0])
        return node

    def operands(self, name, kind):
        return self.node(name, kind).input

    def constant(self, name):
        if name not in self.constants:
            raise Unread(f"{name} is not a constant")
        return np.asarray(self.constants[name], np.float32)

    def scalar(self, name):
        value = self.constant(name)
        if value.size != 1:
            raise Unread(f"{name} is not one number")
        return float(value.reshape(()))

    def attribute(self, node, name, default):
        found = [onnx.helper.get_attribute_value(attribute) for attribute in node.attribute if attribute.name == name]
        return found[0] if found else default

    def matmul(self, name):
        """The left operand and the weights, as [outputs, inputs], of a product with a constant."""
        left, right = self.operands(name, "MatMul")
        weight = self.constant(right)
        if weight.ndim != 2:
            raise Unread(f"{right} is not a matrix")
        return left, weight.T

    def finish(self):
        unseen = [node.op_type for name, node in self.nodes.items()
                  if name not in self.seen and node.op_type != "Constant"]
        if unseen:
            raise Unread(f"it has other nodes: {', '.join(sorted(set(unseen)))}")


def perceptron(graph):
    """The tensors of a perceptron."""
    layers, name = [], graph.output
    while name != graph.input:
        if layers:
            (name,) = graph.operands(name, "Relu")
        kind = graph.nodes[name].op_type if name in graph.nodes else None
        bias = None
        if kind == "Gemm":
            node = graph.node(name, "Gemm")
            if graph.attribute(node, "alpha", 1.0) != 1 or graph.attribute(node, "beta", 1.0) != 1 \
                    or graph.attribute(node, "transA", 0):
                raise Unread(f"{name} is a Gemm with factors")
            name, weight = node.input[0], graph.constant(node.input[1])
            weight = weight if graph.attribute(node, "transB", 0) else weight.T
            if len(node.input) > 2:
                bias = graph.constant(node.input[2]).reshape(-1)
        else:
            if kind == "Add":
                left, right = graph.operands(name, "Add")
                name, right = (left, right) if right in graph.constants else (right, left)
                bias = graph.constant(right).reshape(-1)
            name, weight = graph.matmul(name)
        if bias is not None and bias.size != weight.shape[0]:
            raise Unread(f"a bias of {bias.size} numbers does not fit a layer of {weight.shape[0]}")
        layers.insert(0, (weight, bias))
    tensors = {}
    for index, (weight, bias) in enumerate(layers):
        tensors[f"layers.{index}.weight"] = weight
        if bias is not None:
            tensors[f"layers.{index}.bias"] = bias
    return {"kind": "perceptron"}, tensors


def layer_norm(graph, name):
    """What is normalized to `name`, and the epsilon."""
    difference, root = graph.operands(name, "Div")
    source, mean = graph.operands(difference, "Sub")
    last_axis(graph, mean, source)
    (sum_,) = graph.operands(root, "Sqrt")
    variance, epsilon = graph.operands(sum_, "Add")
    square = graph.operands(variance, "ReduceMean")[0]
    last_axis(graph, variance, square)
    if list(graph.operands(square, "Mul")) != [difference, difference]:
        raise Unread(f"{square} is not a square of {difference}")
    return source, graph.scalar(epsilon)


def last_axis(graph, name, source):
    """Asserts that `name` is the mean of `source` over its last axis."""
    node = graph.node(name, "ReduceMean")
    axes = graph.attribute(node, "axes", None)
    if axes is None and len(node.input) > 1:
        axes = graph.constants.get(node.input[1], np.array([])).tolist()
    if node.input[0] != source or list(axes or []) not in ([-1], [len(graph.shape) - 1]):
        raise Unread(f"{name} is not the mean of the rows of {source}")


def block(graph):
    """The tensors of a transformer block."""
    residual, second = graph.operands(graph.output, "Add")
    up, down = graph.matmul(second)
    (up,) = graph.operands(up, "Relu")
    normed, up = graph.matmul(up)
    source, epsilon = layer_norm(graph, normed)
    if source != residual:
        raise Unread(f"{normed} does not normalize {residual}")
    start, first = graph.operands(residual, "Add")
    if start != graph.input:
        raise Unread(f"the first residual is {start}, not the input")
    mixed, out = graph.matmul(first)
    shares, value = graph.operands(mixed, "MatMul")
    if graph.attribute(graph.node(shares, "Softmax"), "axis", -1) not in (-1, len(graph.shape) - 1):
        raise Unread("the softmax is not over the last axis")
    (scores,) = graph.operands(shares, "Softmax")
    scores, scale = graph.operands(scores, "Mul")
    query, key = graph.operands(scores, "MatMul")
    if list(graph.attribute(graph.node(key, "Transpose"), "perm", [])) != [0, 2, 1]:
        raise Unread(f"{key} is not the transpose of its rows and columns")
    (key,) = graph.operands(key, "Transpose")
    sources = []
    tensors = {"up": up, "down": down, "out": out}
    for name, product in [("query", query), ("key", key), ("value", value)]:
        normed, tensors[name] = graph.matmul(product)
        sources.append(layer_norm(graph, normed))
    if sources != [(graph.input, epsilon)] * 3:
        raise Unread("queries, keys and values do not read the normalized input, or the epsilons differ")
    width = tensors["query"].shape[0]
    if abs(graph.scalar(scale) * width**0.5 - 1) > 1e-5:
        raise Unread("scores are not divided by the root of the width")
    return {"kind": "block", "heads": 1, "epsilon": float(np.format_float_positional(np.float32(epsilon)))}, tensors


def convert(model, data, samples, seed):
    """The manifest and the tensors of the file."""
    graph = Graph(model)
    attends = any(node.op_type == "Softmax" for node in model.graph.node)
    manifest, tensors = block(graph) if attends else perceptron(graph)
    graph.finish()
    shape = graph.shape
    if len(shape) < 2 or shape[0] != 1 or 0 in shape:
        raise Unread(f"the input has the shape {shape}, not one sample of known size")
    flat = data["input_data"]
    if len(flat) != 1 or len(flat[0]) != int(np.prod(shape)):
        raise Unread(f"the JSON does not hold one input of {int(np.prod(shape))} numbers")
    first = np.asarray(flat[0], np.float32).reshape(shape)
    random = np.random.default_rng(seed)
    more = [random.normal(first.mean(), first.std(), shape).astype(np.float32) for _ in range(samples - 1)]
    inputs = [first, *more]
    evaluator = ReferenceEvaluator(model)
    outputs = [evaluator.run(None, {graph.input: sample})[0] for sample in inputs]
    rows = lambda arrays: np.stack([array.reshape(-1, array.shape[-1]) for array in arrays])
    tensors |= {"input": rows(inputs), "output": rows(outputs)}
    return manifest, {name: np.ascontiguousarray(tensor, np.float32) for name, tensor in tensors.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--input", type=Path, required=True, help="the JSON of the input")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", help="a name for people; the file's by default")
    parser.add_argument("--samples", type=int, default=DEFAULT_SAMPLES)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.samples < 1:
        parser.error("--samples must be at least 1")
    try:
        model = onnx.load(arguments.model)
        data = json.loads(arguments.input.read_text())
        manifest, tensors = convert(model, data, arguments.samples, arguments.seed)
    except Unread as reason:
        sys.exit(f"error: {arguments.model} is neither a perceptron nor a transformer block: {reason}")
    manifest["name"] = arguments.name or arguments.model.stem
    save_file(tensors, arguments.out, metadata={"network": json.dumps(manifest)})
    shapes = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in tensors.items())
    print(f"{arguments.out}: {json.dumps(manifest)}; {shapes}")


if __name__ == "__main__":
    main()
