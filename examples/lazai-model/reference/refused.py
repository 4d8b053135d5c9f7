"""Configs that a loader must refuse, each one change away from a config of the other models."""

import json

# Name, the model whose folder it would stand in, the changes, and the field that the error must name.
CASES = [
    ("dynamic-rope", "llama-linear", {"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}, "rope_scaling"),
    ("dynamic-rope-current", "tinyllama",
     {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}}, "rope_parameters"),
    ("unknown-rope", "llama2", {"rope_scaling": {"type": "spiral", "factor": 2.0}}, "rope_scaling"),
    ("rope-factor-zero", "llama-linear", {"rope_scaling": {"rope_type": "linear", "factor": 0.0}}, "rope_scaling"),
    ("unknown-activation", "llama2", {"hidden_act": "tanhshrink"}, "hidden_act"),
    ("unknown-activation-gpt2", "gpt2", {"activation_function": "snake"}, "activation_function"),
    ("scaled-by-layer", "gpt2", {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx"),
    ("relative-positions", "bert", {"position_embedding_type": "relative_key"}, "position_embedding_type"),
    ("decoder", "bert", {"is_decoder": True}, "is_decoder"),
    ("unknown-family", "llama2", {"model_type": "perceptron", "architectures": ["PerceptronForCausalLM"]}, "model_type"),
    ("packed-weights", "llama2", {"quantization_config": {"quant_method": "gptq", "bits": 4}}, "quantization_config"),
    ("heads-do-not-divide", "llama3", {"num_key_value_heads": 3}, "num_key_value_heads"),
    ("no-layers", "llama2", {"num_hidden_layers": 0}, "num_hidden_layers"),
    ("huge", "llama2", {"hidden_size": 2**40}, "hidden_size"),
    ("text-for-a-number", "llama2", {"intermediate_size": "352"}, "intermediate_size"),
]


def write(folder, _corpus):
    expected = {}
    for name, base, changes, field in CASES:
        path = folder.parent / base / "config.json"
        if not path.exists():
            raise SystemExit(f"refused: make {base} first")
        config = json.loads(path.read_text()) | changes
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        expected[name] = {"field": field, "base": base}
    (folder / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")
    return f"{len(CASES)} configs"
