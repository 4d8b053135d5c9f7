"""Writes the networks that this example carries: random weights in the form that the example reads.

Usage: python3 make_networks.py FOLDER

Needs `pip install numpy safetensors`.
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

SAMPLES = 16


def matrix(random, outputs, inputs):
    return (random.standard_normal((outputs, inputs)) / np.sqrt(inputs)).astype(np.float32)


def write(path, manifest, tensors):
    save_file(tensors, path, metadata={"network": json.dumps(manifest)})
    print(f"{path}: {path.stat().st_size} bytes")


def perceptron(folder, name, widths):
    random = np.random.default_rng(7)
    tensors = {"input": random.standard_normal((SAMPLES, 1, widths[0])).astype(np.float32)}
    for index, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        tensors[f"layers.{index}.weight"] = matrix(random, outputs, inputs)
    write(folder / f"{name}.safetensors", {"kind": "perceptron", "name": name}, tensors)


def block(folder, name, rows, width):
    random = np.random.default_rng(7)
    tensors = {"input": random.standard_normal((SAMPLES, rows, width)).astype(np.float32)}
    for weight in ("query", "key", "value", "out"):
        tensors[weight] = matrix(random, width, width)
    tensors["up"] = matrix(random, 4 * width, width)
    tensors["down"] = matrix(random, width, 4 * width)
    manifest = {"kind": "block", "name": name, "heads": 1, "epsilon": 1e-2}
    write(folder / f"{name}.safetensors", manifest, tensors)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    perceptron(folder, "perceptron", [64, 64, 10])
    block(folder, "block", 8, 32)


if __name__ == "__main__":
    main()
