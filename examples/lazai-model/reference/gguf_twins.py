"""Writes a model as GGUF, named and permuted as llama.cpp's converter does, and what it computes.

`FOLDER/FOLDER.KIND.gguf` has its own `KIND.expected.safetensors`, because the weights are rounded:
the file is read again, dequantized, turned back, and run by transformers in fp32.
"""

import json
import logging
import math

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from safetensors.torch import save_file

import checkpoints
import kquants

ARCHITECTURES = {
    "llama": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
    "gpt2": gguf.MODEL_ARCH.GPT2,
    "bert": gguf.MODEL_ARCH.BERT,
}
FILE_TYPES = {
    "F32": gguf.LlamaFileType.ALL_F32,
    "F16": gguf.LlamaFileType.MOSTLY_F16,
    "BF16": gguf.LlamaFileType.MOSTLY_BF16,
    "Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    "Q4_0": gguf.LlamaFileType.MOSTLY_Q4_0,
    "Q4_K": gguf.LlamaFileType.MOSTLY_Q4_K_S,
    "Q5_K": gguf.LlamaFileType.MOSTLY_Q5_K_S,
    "Q6_K": gguf.LlamaFileType.MOSTLY_Q6_K,
}
UNUSED = ("pooler.", "cls.", "embeddings.position_ids")


def write(shape, folder, trained, model, kind, sequences):
    path = folder / f"{folder.name}.{kind}.gguf"
    sources = write_file(path, folder, trained, model, kind)
    difference = read_back(path, model, sources)
    outputs, _ = checkpoints.run(shape, model, sequences)
    save_file(outputs, folder / f"{kind}.expected.safetensors")
    record = folder / "twins.json"
    twins = json.loads(record.read_text()) if record.exists() else {}
    twins[kind] = difference
    record.write_text(json.dumps(twins, indent=2) + "\n")
    # The next twin starts from the same weights.
    model.load_state_dict(checkpoints.load(shape, folder).state_dict())


def write_file(path, folder, trained, model, kind):
    """Writes the file; returns the transformers name and the way back for each of its tensors."""
    config = model.config
    architecture = ARCHITECTURES[config.model_type]
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[architecture])
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(folder.name)
    _add_parameters(writer, config, FILE_TYPES[kind])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_tokenizer(writer, folder, trained, config)
    layers = config.num_hidden_layers
    names = gguf.get_tensor_name_map(architecture, layers)
    sources = {}
    state = model.state_dict()
    for name in state:
        # What the embedding does not need, and a tied head.
        if name.startswith(UNUSED) or (name == "lm_head.weight" and config.tie_word_embeddings):
            continue
        new = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if new is None:
            raise KeyError(f"{name} has no name in GGUF")
        there, back = _layout(name, config)
        data = np.ascontiguousarray(there(state[name].float().numpy()))
        data, stored = _encode(data, new, kind)
        writer.add_tensor(new, data, raw_dtype=stored)
        sources[new] = (name, back)
    factors = _rope_factors(config)
    if factors is not None:
        writer.add_tensor("rope_freqs.weight", factors)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return sources


def read_back(path, model, sources):
    """Puts the file's weights into the model; returns how far they are from the checkpoint's."""
    state = model.state_dict()
    differing, largest = 0, 0.0
    for tensor in gguf.GGUFReader(path).tensors:
        if tensor.name not in sources:
            continue
        name, back = sources[tensor.name]
        shape = tuple(int(size) for size in reversed(tensor.shape))
        data = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        data = torch.from_numpy(np.ascontiguousarray(back(data.reshape(shape))))
        change = (data - state[name].float()).abs()
        differing += int((change != 0).sum())
        largest = max(largest, change.max().item())
        state[name].copy_(data)
    return {"weights_that_differ": differing, "largest_difference": largest}


def _encode(data, name, kind):
    always_f32 = ("position_embd.weight", "token_types.weight")
    if data.ndim == 1 or name.endswith("_norm.weight") or name in always_f32:
        return data.astype(np.float32), Type.F32
    # As llama.cpp does, the head is kept finer than the rest.
    if name == "output.weight" and kind in ("Q4_0", "Q4_K", "Q5_K"):
        kind = "Q6_K"
    stored = Type[kind]
    if kind.endswith("_K"):
        return kquants.quantize(data, stored), stored
    return gguf.quants.quantize(data, stored), stored


def _layout(name, config):
    """How a tensor is laid out in the file, and the inverse."""
    def same(data):
        return data

    if config.model_type == "llama" and ("q_proj" in name or "k_proj" in name):
        heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
        # Rotary pairs lie side by side instead of half a head apart.
        return lambda data: _interleave(data, heads, 2), lambda data: _interleave(data, heads, -1)
    if config.model_type == "gpt2" and name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")):
        return np.transpose, np.transpose
    return same, same


def _interleave(data, heads, halves):
    rows = data.shape[0] // heads
    inner = (2, rows // 2) if halves == 2 else (rows // 2, 2)
    return data.reshape(heads, *inner, *data.shape[1:]).swapaxes(1, 2).reshape(data.shape)


def _rope_factors(config):
    """What each frequency is divided by under Llama 3's scaling."""
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") != "llama3":
        return None
    dimensions = np.arange(0, config.head_dim, 2, dtype=np.float32)
    context, factor = rope["original_max_position_embeddings"], rope["factor"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    factors = []
    for exponent in dimensions / config.head_dim:
        wavelength = 2 * math.pi * rope["rope_theta"] ** float(exponent)
        if wavelength < context / high:
            factors.append(1.0)
        elif wavelength > context / low:
            factors.append(factor)
        else:
            smooth = (context / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(factors, dtype=np.float32)


def _add_parameters(writer, config, file_type):
    kind = config.model_type
    if kind == "gpt2":
        writer.add_block_count(config.n_layer)
        writer.add_context_length(config.n_positions)
        writer.add_embedding_length(config.n_embd)
        writer.add_feed_forward_length(config.n_inner or 4 * config.n_embd)
        writer.add_head_count(config.n_head)
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
        writer.add_file_type(file_type)
        return
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    if kind == "bert":
        writer.add_layer_norm_eps(config.layer_norm_eps)
        writer.add_file_type(file_type)
        writer.add_causal_attention(False)
        writer.add_pooling_type(gguf.PoolingType.MEAN)
        return
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    head = getattr(config, "head_dim", None)
    if head is not None:
        writer.add_key_length(head)
        writer.add_value_length(head)
    writer.add_file_type(file_type)
    if kind == "llama":
        writer.add_vocab_size(config.vocab_size)
        writer.add_rope_dimension_count(head)


def _add_tokenizer(writer, folder, trained, config):
    tokens, kinds = _tokens(trained, config.vocab_size)
    if trained.gguf_model == "bert":
        writer.add_token_type_count(config.type_vocab_size)
        tokens = [_phantom_space(token, kind) for token, kind in zip(tokens, kinds)]
    writer.add_tokenizer_model(trained.gguf_model)
    writer.add_tokenizer_pre(trained.gguf_pre)
    writer.add_token_list(tokens)
    if trained.scores is not None:
        writer.add_token_scores(trained.scores)
    writer.add_token_types(kinds)
    if trained.gguf_model == "llama":
        writer.add_add_space_prefix(True)
    merges = trained.gguf_model == "gpt2"
    # It warns of pair templates and of [CLS], as it does for published tokenizers.
    logging.getLogger("gguf").setLevel(logging.ERROR)
    special = gguf.SpecialVocab(folder, load_merges=merges, n_vocab=len(tokens))
    special.add_to_gguf(writer, quiet=True)


def _tokens(trained, rows):
    """Every row's token and its type; rows that the tokenizer does not know are unused."""
    by_id = {index: token for token, index in trained.tokenizer.get_vocab(True).items()}
    added = trained.tokenizer.get_added_tokens_decoder()
    tokens, kinds = [], []
    for index in range(rows):
        token = by_id.get(index)
        if token is None:
            token, kind = f"[PAD{index}]", gguf.TokenType.UNUSED
        elif token == "<unk>":
            kind = gguf.TokenType.UNKNOWN
        elif index in added:
            kind = gguf.TokenType.CONTROL if added[index].special else gguf.TokenType.USER_DEFINED
        elif trained.gguf_model == "llama" and token.startswith("<0x"):
            kind = gguf.TokenType.BYTE
        else:
            kind = gguf.TokenType.NORMAL
        tokens.append(token)
        kinds.append(kind)
    return tokens, kinds


def _phantom_space(token, kind):
    if kind == gguf.TokenType.CONTROL:
        return token
    return token[2:] if token.startswith("##") else "\u2581" + token
