"""Writes a GGUF file of random weights for a workload.

usage: write_gguf.py WORKLOAD FORMAT PATH

WORKLOAD is the JSON that the bench passes on; FORMAT is f16, f32 or q8_0, which holds for matrices alone.
"""

import json
import os
import sys

import gguf
import numpy as np

GROUP = 32
FORMATS = {
    "f16": gguf.GGMLQuantizationType.F16,
    "f32": gguf.GGMLQuantizationType.F32,
    "q8_0": gguf.GGMLQuantizationType.Q8_0,
}


class Writer:
    """Adds random tensors, uniform with a variance of one over the columns."""

    def __init__(self, architecture, format, path):
        self.file = gguf.GGUFWriter(path, architecture)
        self.random = np.random.default_rng(1)
        self.format = format

    def matrix(self, name, rows, columns):
        """Adds a matrix in the format of the file."""
        width = np.sqrt(3.0 / columns)
        if self.format == "q8_0":
            # A block is a scale in f16 and 32 integers.
            blocks = rows * columns // GROUP
            data = np.empty((blocks, 2 + GROUP), np.uint8)
            data[:, :2] = np.array([width / 127], np.float16).view(np.uint8)
            data[:, 2:] = self.random.integers(-127, 128, (blocks, GROUP), np.int8).view(np.uint8)
            data = data.reshape(rows, -1)
        else:
            dtype = np.float16 if self.format == "f16" else np.float32
            data = (width * (2 * self.random.random((rows, columns), np.float32) - 1)).astype(dtype)
        self.file.add_tensor(name, data, raw_dtype=FORMATS[self.format])

    def vector(self, name, length, center):
        """Adds a vector in f32."""
        values = center + 0.1 * (2 * self.random.random(length, np.float32) - 1)
        self.file.add_tensor(name, values.astype(np.float32))

    def finish(self):
        """Writes the file."""
        self.file.write_header_to_file()
        self.file.write_kv_data_to_file()
        self.file.write_tensors_to_file()
        self.file.close()


def tokens(model, special, vocabulary):
    """Returns texts and types of a vocabulary: special tokens, bytes, and words without a meaning."""
    normal, control, byte = (int(gguf.TokenType[name]) for name in ("NORMAL", "CONTROL", "BYTE"))
    texts, types = list(special), [control] * len(special)
    if model == "llama":
        texts += [f"<0x{value:02X}>" for value in range(256)]
        types += [byte] * 256
    words = range(vocabulary - len(texts))
    return texts + [f"\u2581w{word}" for word in words], types + [normal] * len(words)


def tokenizer(file, model, special, vocabulary):
    """Adds a vocabulary that has the form of a tokenizer and no use."""
    texts, types = tokens(model, special, vocabulary)
    file.add_tokenizer_model(model)
    file.add_token_list(texts)
    file.add_token_scores([0.0] * vocabulary)
    file.add_token_types(types)
    file.add_vocab_size(vocabulary)


def context(shape):
    """Returns the most positions of a sequence."""
    return max(1024, shape["prompt"] + shape["new"])


def common(file, shape):
    """Adds the metadata that all architectures share."""
    file.add_context_length(context(shape))
    file.add_embedding_length(shape["hidden"])
    file.add_block_count(shape["layers"])
    file.add_feed_forward_length(shape["intermediate"])
    file.add_head_count(shape["heads"])


def llama(writer, shape):
    """Adds a Llama."""
    file, hidden = writer.file, shape["hidden"]
    kv = hidden // shape["heads"] * shape["kv_heads"]
    common(file, shape)
    file.add_head_count_kv(shape["kv_heads"])
    file.add_rope_dimension_count(hidden // shape["heads"])
    file.add_layer_norm_rms_eps(1e-5)
    tokenizer(file, "llama", ["<unk>", "<s>", "</s>"], shape["vocabulary"])
    writer.matrix("token_embd.weight", shape["vocabulary"], hidden)
    writer.matrix("output.weight", shape["vocabulary"], hidden)
    writer.vector("output_norm.weight", hidden, 1)
    for layer in range(shape["layers"]):
        block = f"blk.{layer}"
        writer.vector(f"{block}.attn_norm.weight", hidden, 1)
        writer.vector(f"{block}.ffn_norm.weight", hidden, 1)
        for name, rows, columns in [
            ("attn_q", hidden, hidden),
            ("attn_k", kv, hidden),
            ("attn_v", kv, hidden),
            ("attn_output", hidden, hidden),
            ("ffn_gate", shape["intermediate"], hidden),
            ("ffn_up", shape["intermediate"], hidden),
            ("ffn_down", hidden, shape["intermediate"]),
        ]:
            writer.matrix(f"{block}.{name}.weight", rows, columns)


def bert(writer, shape):
    """Adds a BERT whose result is the mean."""
    file, hidden = writer.file, shape["hidden"]
    common(file, shape)
    file.add_layer_norm_eps(1e-12)
    file.add_causal_attention(False)
    file.add_pooling_type(gguf.PoolingType.MEAN)
    file.add_token_type_count(2)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer(file, "bert", special, shape["vocabulary"])
    file.add_bos_token_id(2)
    file.add_sep_token_id(3)
    file.add_unk_token_id(1)
    file.add_pad_token_id(0)
    writer.matrix("token_embd.weight", shape["vocabulary"], hidden)
    for name, rows in [("position_embd", context(shape)), ("token_types", 2)]:
        values = 0.02 * (2 * writer.random.random((rows, hidden), np.float32) - 1)
        file.add_tensor(f"{name}.weight", values.astype(np.float32))
    norms = ["token_embd_norm"]
    for layer in range(shape["layers"]):
        block = f"blk.{layer}"
        norms += [f"{block}.attn_output_norm", f"{block}.layer_output_norm"]
        for name, rows, columns in [
            ("attn_q", hidden, hidden),
            ("attn_k", hidden, hidden),
            ("attn_v", hidden, hidden),
            ("attn_output", hidden, hidden),
            ("ffn_up", shape["intermediate"], hidden),
            ("ffn_down", hidden, shape["intermediate"]),
        ]:
            writer.matrix(f"{block}.{name}.weight", rows, columns)
            writer.vector(f"{block}.{name}.bias", rows, 0)
    for name in norms:
        writer.vector(f"{name}.weight", hidden, 1)
        writer.vector(f"{name}.bias", hidden, 0)


def main():
    """Writes the file that the arguments name."""
    shape, format, path = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
    architecture, build = {"encoder": ("bert", bert), "llama": ("llama", llama)}[shape["kind"]]
    # Renamed when complete, so that a run that was broken off leaves no part of a file.
    partial = f"{path}.partial"
    writer = Writer(architecture, format, partial)
    build(writer, shape)
    writer.finish()
    os.rename(partial, path)


if __name__ == "__main__":
    main()
