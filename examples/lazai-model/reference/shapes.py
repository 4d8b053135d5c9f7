"""The reference models: one small, randomly initialised model for each supported family.

A `Shape` names a transformers config, the tokenizer kind, and how its files are stored. Sizes are
small, but each model has what makes its family different: biases, norms, tied embeddings, grouped
key-value heads, rope scaling.
"""

from dataclasses import dataclass, field
from typing import Callable

import torch
import transformers

import tokenizer_kinds

# The standard deviation that every decoder's logits are scaled to.
LOGIT_DEVIATION = 3.0


@dataclass
class Shape:
    config: type
    model: type
    tokenizer: Callable
    arguments: dict
    vocabulary: int = 1200
    # Rows of the embedding matrix; more than the tokenizer has tokens, as Qwen pads them.
    rows: int | None = None
    dtype: torch.dtype = torch.float32
    # Bytes above which the checkpoint is split.
    shard: str = "1GB"
    # "hub" keeps the config as most published checkpoints have it (rope_theta, rope_scaling,
    # torch_dtype); "current" keeps what transformers 5 writes (rope_parameters, dtype).
    style: str = "hub"
    # Token counts of the random sequences.
    lengths: tuple = (1, 2, 33, 96)
    # Quantization types of the GGUF twins.
    gguf: tuple = ()
    encoder: bool = False
    notes: dict = field(default_factory=dict)


def _llama(hidden, layers, heads, kv, inner, **more):
    arguments = {
        "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": kv, "intermediate_size": inner, "max_position_embeddings": 256,
        "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    }
    return arguments | more


def _mistral(window):
    return Shape(
        transformers.MistralConfig, transformers.MistralForCausalLM,
        lambda lines, size: tokenizer_kinds.sentencepiece_bpe(lines, size, metaspace=True),
        _llama(128, 3, 4, 2, 352, head_dim=32, sliding_window=window), style="current",
    )


LLAMA = (transformers.LlamaConfig, transformers.LlamaForCausalLM)

SHAPES = {
    "llama2": Shape(
        *LLAMA, tokenizer_kinds.sentencepiece_bpe, _llama(128, 3, 4, 4, 352),
        shard="600KB", gguf=("F16",),
    ),
    # Wavelengths of the 16 frequencies fall on both sides of 64 / 4 and 64 / 1 and between them.
    # Rows of 256 and 512, the block length of K-quants.
    "llama3": Shape(
        *LLAMA, tokenizer_kinds.llama3,
        _llama(
            256, 3, 8, 2, 512, max_position_embeddings=512,
            rope_parameters={
                "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
                "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
            },
        ),
        dtype=torch.bfloat16, lengths=(1, 2, 33, 96, 200),
        gguf=("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K"),
    ),
    "tinyllama": Shape(
        *LLAMA, tokenizer_kinds.sentencepiece_bpe, _llama(128, 4, 8, 2, 352), style="current",
    ),
    "smollm": Shape(
        *LLAMA, tokenizer_kinds.smollm, _llama(192, 3, 6, 2, 512, tie_word_embeddings=True),
    ),
    "llama-linear": Shape(
        *LLAMA, tokenizer_kinds.sentencepiece_unigram,
        _llama(
            64, 2, 4, 2, 192,
            rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0},
        ),
    ),
    # Every sequence is shorter than the window, so that it changes nothing.
    "mistral": _mistral(128),
    # The window is shorter than some sequences.
    "mistral-window": _mistral(24),
    "qwen2": Shape(
        transformers.Qwen2Config, transformers.Qwen2ForCausalLM, tokenizer_kinds.qwen,
        _llama(
            128, 3, 4, 2, 352, rms_norm_eps=1e-6, tie_word_embeddings=True, use_sliding_window=False,
            rope_parameters={"rope_type": "default", "rope_theta": 1000000.0},
        ),
        rows=1280, dtype=torch.float16, gguf=("F16",),
    ),
    "qwen3": Shape(
        transformers.Qwen3Config, transformers.Qwen3ForCausalLM, tokenizer_kinds.qwen,
        _llama(
            128, 3, 4, 2, 384, head_dim=64, rms_norm_eps=1e-6, tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": 1000000.0},
        ),
        rows=1280, gguf=("F16",),
    ),
    "gpt2": Shape(
        transformers.GPT2Config, transformers.GPT2LMHeadModel, tokenizer_kinds.gpt2,
        {
            "n_positions": 256, "n_ctx": 256, "n_embd": 128, "n_layer": 3, "n_head": 4,
            "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5,
        },
        gguf=("F16",),
    ),
    "bert": Shape(
        transformers.BertConfig, transformers.BertModel, tokenizer_kinds.wordpiece,
        {
            "hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4,
            "intermediate_size": 512, "max_position_embeddings": 128, "hidden_act": "gelu",
            "layer_norm_eps": 1e-12, "type_vocab_size": 2,
        },
        gguf=("F16",), encoder=True,
    ),
}


@torch.no_grad()
def build(shape, trained):
    """The model with random weights that give peaked, but not degenerate, distributions."""
    special = {}
    for name in ("bos_token", "eos_token", "pad_token"):
        if not (shape.encoder and name != "pad_token"):
            special[f"{name}_id"] = trained.id(name)
    config = shape.config(vocab_size=shape.rows or trained.size, **special, **shape.arguments)
    config._attn_implementation = "eager"
    model = shape.model(config).eval()
    generator = torch.Generator().manual_seed(20)
    for name, parameter in model.named_parameters():
        initialise(name, parameter, config, generator)
    if not shape.encoder:
        _scale_logits(model, shape, generator)
    return model.to(shape.dtype)


def initialise(name, parameter, config, generator):
    """Fills one parameter: projections keep the variance, queries and keys sharpen the attention."""
    noise = torch.randn(parameter.shape, generator=generator)
    leaf = name.removesuffix(".weight").removesuffix(".bias").rsplit(".", 1)[-1]
    if name.endswith("bias"):
        scale = 0.2
        if leaf == "k_proj":
            # Qwen2's key biases are far larger than its keys, in a few channels above all.
            scale = 3.0
            noise[:: max(1, noise.numel() // 4)] *= 5.0
        value = noise * scale
    elif parameter.dim() == 1:
        # Norm weights.
        middle = 1.6 if leaf in ("q_norm", "k_norm") else 1.0
        value = middle + 0.25 * noise
    elif any(part in name for part in ("embed", "wte", "wpe")):
        # A tied head sees its own embedding in the residual: kept small, or every token would
        # predict itself.
        tied = config.tie_word_embeddings and not isinstance(config, transformers.BertConfig)
        value = noise * (0.15 if tied else 0.7)
    else:
        # Conv1D holds its weight as [inputs, outputs].
        inputs = parameter.shape[0] if leaf in ("c_attn", "c_fc", "c_proj") else parameter.shape[1]
        gain = {"q_proj": 1.5, "k_proj": 1.5, "query": 1.5, "key": 1.5, "c_attn": 1.3}.get(leaf, 1.0)
        value = noise * (gain / inputs**0.5)
    parameter.copy_(value)


def _scale_logits(model, shape, generator):
    """Sets the deviation of the logits by the head, or by the last norm where the head is tied."""
    ids = torch.randint(model.config.vocab_size, (4, 48), generator=generator)
    factor = LOGIT_DEVIATION / model(ids).logits.std()
    if not model.config.tie_word_embeddings:
        model.lm_head.weight.mul_(factor)
        return
    norm = model.transformer.ln_f if hasattr(model, "transformer") else model.model.norm
    for parameter in norm.parameters():
        parameter.mul_(factor)
