"""Quantizes to Q4_K, Q5_K and Q6_K, which the `gguf` package only reads.

The scales are the plain ones (from the extremes of each sub-block); llama.cpp searches for better
ones, but the blocks are laid out alike, and that is what a reader is tested with.
"""

import numpy as np
from gguf import GGMLQuantizationType as Type

BLOCK = 256


def quantize(data, kind):
    """Rows of floats to rows of bytes; the row length must be a multiple of 256."""
    blocks = np.ascontiguousarray(data, dtype=np.float32).reshape(-1, BLOCK)
    packed = {Type.Q4_K: _q4_k, Type.Q5_K: _q5_k, Type.Q6_K: _q6_k}[kind](blocks)
    return np.ascontiguousarray(packed.reshape(*data.shape[:-1], -1))


def _q4_k(blocks):
    head, q = _scales_and_minima(blocks, 15)
    q = q.reshape(-1, 4, 2, 32)
    return np.concatenate([head, (q[:, :, 0] | q[:, :, 1] << 4).reshape(-1, 128)], axis=1)


def _q5_k(blocks):
    head, q = _scales_and_minima(blocks, 31)
    high = np.bitwise_or.reduce((q >> 4) << np.arange(8, dtype=np.uint8)[:, None], axis=1)
    q = (q & 15).reshape(-1, 4, 2, 32)
    low = (q[:, :, 0] | q[:, :, 1] << 4).reshape(-1, 128)
    return np.concatenate([head, high, low], axis=1)


def _scales_and_minima(blocks, levels):
    """The 16 leading bytes of Q4_K and Q5_K, and the values as [block, sub-block, 32]."""
    parts = blocks.reshape(-1, 8, 32)
    minima = np.maximum(0, -parts.min(-1))
    scales = (parts.max(-1) + minima) / levels
    d, sc = _six_bits(scales)
    dmin, mn = _six_bits(minima)
    step = d.astype(np.float32) * sc
    offset = dmin.astype(np.float32) * mn
    q = _round(_divide(parts + offset[..., None], step[..., None]), 0, levels).astype(np.uint8)
    sc, mn = sc.astype(np.uint8), mn.astype(np.uint8)
    packed = np.concatenate([
        sc[:, :4] | (sc[:, 4:] >> 4) << 6,
        mn[:, :4] | (mn[:, 4:] >> 4) << 6,
        (sc[:, 4:] & 15) | (mn[:, 4:] & 15) << 4,
    ], axis=1)
    return np.concatenate([d.view(np.uint8), dmin.view(np.uint8), packed], axis=1), q


def _six_bits(values):
    """A f16 scale for each block, and the values as multiples of it up to 63."""
    d = (values.max(-1, keepdims=True) / 63).astype(np.float16)
    return d, _round(_divide(values, d.astype(np.float32)), 0, 63)


def _q6_k(blocks):
    parts = blocks.reshape(-1, 16, 16)
    largest = np.take_along_axis(parts, np.abs(parts).argmax(-1)[..., None], -1)[..., 0]
    # The extreme of a sub-block becomes -32, so its scale may be negative.
    scales = largest / -32
    d = (np.abs(scales).max(-1, keepdims=True) / 127).astype(np.float16)
    sc = _round(_divide(scales, d.astype(np.float32)), -128, 127)
    step = d.astype(np.float32) * sc
    q = (_round(_divide(parts, step[..., None]), -32, 31) + 32).astype(np.uint8)
    # In each half of 128: four rows of 32, whose low bits share bytes as 0 with 2 and 1 with 3.
    q = q.reshape(-1, 2, 4, 32)
    low = ((q[:, :, :2] & 15) | (q[:, :, 2:] & 15) << 4).reshape(-1, 128)
    shifts = (2 * np.arange(4, dtype=np.uint8))[:, None]
    high = np.bitwise_or.reduce((q >> 4) << shifts, axis=2).reshape(-1, 64)
    return np.concatenate([low, high, sc.astype(np.int8).view(np.uint8), d.view(np.uint8)], axis=1)


def _divide(values, by):
    return np.divide(values, by, out=np.zeros_like(values), where=by != 0)


def _round(values, low, high):
    return np.clip(np.floor(values + 0.5), low, high)
