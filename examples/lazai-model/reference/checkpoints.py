"""Writes one reference model: the Hugging Face folder, what it computes, and its GGUF twins."""

import json

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

import gguf_twins
from shapes import build

TEXTS = 4
CONVERSATIONS = [
    [{"role": "user", "content": "Hello, who are you?"}],
    [
        {"role": "user", "content": "Name a colour."},
        {"role": "assistant", "content": "Blue."},
        {"role": "user", "content": "  Another one, please.\nAnd <|im_end|> is not </s> special. "},
    ],
]
# What tokenizers must agree on: spaces, digits, scripts, unknown letters, and forged specials.
TOKENIZER_TEXTS = [
    "",
    " ",
    "Hello, world!",
    "hello   world  ",
    "\n\nTwo lines\n\tand a tab\r\n",
    "In 1984 there were 12345 of 6.7e-8 units.",
    "I'm sure they'll say it's what we've DON'T know",
    "naïve café, Ångström, œuvre, cafe\u0301",
    "Привет, мир! Γειά σου Κόσμε",
    "日本語のテキスト、中文文本，한국어",
    "emoji 😀👩‍👩‍👧 and \u200b zero width",
    "fn main() { println!(\"{}\", x >> 3 & 0xff); }",
    "user text with <s>, </s>, <|endoftext|>, <|im_start|> and [CLS] [MASK] inside",
    "▁under_score __init__ ĠGpt",
    "a" * 70,
]


def write(shape, folder, lines):
    trained = shape.tokenizer(lines, shape.vocabulary)
    trained.save(folder)
    model = build(shape, trained)
    model.save_pretrained(folder, max_shard_size=shape.shard)
    if shape.style == "hub":
        _as_on_the_hub(folder / "config.json")
    if shape.encoder:
        _pooling_files(folder, model.config)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if model.config.model_type == "gpt2":
        _as_the_first_gpt2(folder / "model.safetensors")

    # What is measured is the folder as read again, in fp32: rounded weights, config as written.
    reference = load(shape, folder)
    sequences = make_sequences(shape, trained, lines)
    outputs, summary = run(shape, reference, sequences)
    save_file(outputs, folder / "expected.safetensors")
    expected = {
        "sequences": [{"text": text, "tokens": len(ids)} for text, ids in sequences],
        "tokenizer": tokenizer_cases(trained.tokenizer),
        **summary,
    }
    if "chat_template" in trained.config:
        expected["chat"] = chat_cases(folder)
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (folder / "expected.json").write_text(text + "\n")
    for kind in shape.gguf:
        gguf_twins.write(shape, folder, trained, reference, kind, sequences)
    return ", ".join(f"{key} {value:.3f}" for key, value in summary.items())


def load(shape, folder):
    return shape.model.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def make_sequences(shape, trained, lines):
    """Some texts as the tokenizer encodes them, then random ids of the given lengths."""
    generator = torch.Generator().manual_seed(7)
    longest = max(shape.lengths)
    sequences = []
    for index in range(TEXTS):
        text = " ".join(lines[31 * index : 31 * index + 1 + 2 * index]).strip()
        while len(trained.tokenizer.encode(text).ids) > longest:
            text = text.rsplit(" ", 1)[0]
        sequences.append((text, trained.tokenizer.encode(text).ids))
    for length in shape.lengths:
        ids = torch.randint(trained.size, (length,), generator=generator).tolist()
        # The first and the last row of the embedding.
        if length > 2:
            ids[1], ids[2] = 0, (shape.rows or trained.size) - 1
        sequences.append((None, ids))
    return sequences


@torch.no_grad()
def run(shape, model, sequences):
    """Tensors by name, and figures that show that the distributions mean something."""
    outputs, entropies, deviations, tops = {}, [], [], []
    for index, (_, ids) in enumerate(sequences):
        key = f"sequence.{index}"
        ids = torch.tensor(ids)
        result = model(input_ids=ids[None], output_attentions=True)
        outputs[f"{key}.ids"] = ids.to(torch.int32)
        if shape.encoder:
            hidden = result.last_hidden_state[0]
            outputs[f"{key}.hidden"] = hidden.contiguous()
            outputs[f"{key}.embedding.mean"] = functional.normalize(hidden.mean(0), dim=0)
            outputs[f"{key}.embedding.cls"] = functional.normalize(hidden[0], dim=0).clone()
        else:
            logits = result.logits[0]
            outputs[f"{key}.logits"] = logits.contiguous()
            deviations.append(logits.std(-1))
            tops.append(logits.softmax(-1).amax(-1))
        for attention in result.attentions:
            # The last position's entropy as a share of the uniform one.
            if len(ids) > 8:
                row = attention[0, :, -1].double()
                entropy = -(row * row.clamp_min(1e-30).log()).sum(-1)
                entropies.append(entropy / torch.tensor(float(len(ids))).log())
    summary = {"attention_entropy_share": torch.cat(entropies).mean().item()}
    if not shape.encoder:
        summary["logit_deviation"] = torch.cat(deviations).mean().item()
        summary["top_probability"] = torch.cat(tops).mean().item()
    return outputs, summary


def tokenizer_cases(tokenizer):
    cases = []
    for text in TOKENIZER_TEXTS:
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        # Text from a user, in which "</s>" is letters and not the end.
        tokenizer.encode_special_tokens = True
        as_text = tokenizer.encode(text, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = False
        cases.append({
            "text": text,
            "ids": tokenizer.encode(text).ids,
            "ids_without_special": plain,
            "ids_as_text": as_text,
            "decoded": tokenizer.decode(plain, skip_special_tokens=False),
        })
    return cases


def chat_cases(folder):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [
        {
            "messages": messages,
            "add_generation_prompt": prompt,
            "text": tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt),
        }
        for messages in CONVERSATIONS
        for prompt in (False, True)
    ]


def _as_on_the_hub(path):
    """Rewrites a config as transformers 4 did, the form of most published checkpoints."""
    config = json.loads(path.read_text())
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.44.0"
    heads, hidden = config.get("num_attention_heads"), config.get("hidden_size")
    if config["model_type"] != "qwen3" and config.get("head_dim") == (hidden or 0) // (heads or 1):
        config.pop("head_dim", None)
    if config.pop("layer_types", None):
        # Published Qwen2 configs name a window and switch it off.
        config["sliding_window"] = 32
    rope = config.pop("rope_parameters", None)
    if rope:
        config["rope_theta"] = rope.pop("rope_theta")
        config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    path.write_text(json.dumps(config, indent=2) + "\n")


def _as_the_first_gpt2(path):
    """Renames the tensors as the first published GPT-2 has them, with its causal masks."""
    tensors = {name.removeprefix("transformer."): tensor for name, tensor in load_file(path).items()}
    for name in [name for name in tensors if name.endswith("attn.c_attn.weight")]:
        mask = torch.ones(256, 256).tril().reshape(1, 1, 256, 256)
        tensors[name.replace("c_attn.weight", "bias")] = mask
    save_file(tensors, path, metadata={"format": "pt"})


def _pooling_files(folder, config):
    """The files by which sentence-transformers, and converters, know the pooling."""
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    pooling = {
        "word_embedding_dimension": config.hidden_size,
        "pooling_mode_cls_token": False,
        "pooling_mode_mean_tokens": True,
    }
    (folder / "modules.json").write_text(json.dumps(modules, indent=2) + "\n")
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling, indent=2) + "\n")
