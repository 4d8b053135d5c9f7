"""Trains a small GPT-2 and a small Llama on a text and scores them on its held-out end.

Usage: python3 train.py --text FILE --out DIR [--only trained-gpt2|trained-llama] [--steps N]
                        [--threads N]

Writes DIR/trained-gpt2 and DIR/trained-llama: a Hugging Face folder each, with `held-out.txt` (the last
tenth of the text) and `expected.json`, whose perplexity `transformers` measured in fp32.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

# Before torch loads: a thread that waits must not keep a shared core busy.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ["RAYON_NUM_THREADS"] = "1"

import torch
import transformers
from torch.nn import functional
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

import tokenizer_kinds

VOCABULARY = 1024
TRAINED_CONTEXT = 128
BATCH = 16
STEPS = 800
PEAK_RATE = 2e-3
WARM_UP = 40
WINDOW = 128


def gpt2_model():
    config = GPT2Config(
        vocab_size=VOCABULARY, n_positions=256, n_embd=256, n_layer=4, n_head=4,
        bos_token_id=VOCABULARY - 1, eos_token_id=VOCABULARY - 1,
        resid_pdrop=0.1, embd_pdrop=0.1, attn_pdrop=0.1,
    )
    return GPT2LMHeadModel(config)


def llama_model():
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=256, intermediate_size=704, num_hidden_layers=4,
        num_attention_heads=8, num_key_value_heads=4, max_position_embeddings=256, rms_norm_eps=1e-5,
        tie_word_embeddings=False, bos_token_id=VOCABULARY - 5, eos_token_id=VOCABULARY - 1,
    )
    return LlamaForCausalLM(config)


MODELS = {
    "trained-gpt2": (gpt2_model, tokenizer_kinds.gpt2),
    "trained-llama": (llama_model, tokenizer_kinds.llama3),
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--text", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--only", nargs="*", choices=list(MODELS), default=list(MODELS))
    arguments.add_argument("--steps", type=int, default=STEPS)
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(options.threads)
    text = options.text.read_text(encoding="utf-8")
    cut = text.rindex("\n", 0, len(text) * 9 // 10) + 1
    for name in options.only:
        train(name, text[:cut], text[cut:], options.out / name, options.steps)


def train(name, seen, held_out, folder, steps):
    started = time.time()
    folder.mkdir(parents=True, exist_ok=True)
    make_model, make_tokenizer = MODELS[name]
    trained = make_tokenizer(seen.splitlines(keepends=True), VOCABULARY)
    ids = torch.tensor(encode(trained.tokenizer, seen))
    held_out_ids = torch.tensor(encode(trained.tokenizer, held_out))
    torch.manual_seed(0)
    model = make_model()
    fit(name, model, ids, held_out_ids, steps)
    model.eval()
    model.save_pretrained(folder)
    trained.save(folder)
    (folder / "held-out.txt").write_text(held_out, encoding="utf-8")

    reference = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    total, predictions = score(reference, held_out_ids)
    expected = {
        "perplexity": math.exp(total / predictions),
        "window": WINDOW,
        "predictions": predictions,
        "tokens": len(held_out_ids),
        "negative_log_likelihood": total,
        "steps": steps,
        "parameters": sum(p.numel() for p in reference.parameters()),
    }
    (folder / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")
    print(f"{name}: perplexity {expected['perplexity']:.4f} over {predictions} predictions, "
          f"{time.time() - started:.0f} s", flush=True)


def encode(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


def fit(name, model, ids, held_out_ids, steps):
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
        lr=PEAK_RATE, betas=(0.9, 0.95),
    )
    print(f"{name}: {len(ids)} tokens, {sum(p.numel() for p in model.parameters())} parameters", flush=True)
    processor = Path("/proc/cpuinfo")
    fast = processor.exists() and "bf16" in processor.read_text()
    started = time.time()
    model.train()
    for step in range(steps):
        rate = PEAK_RATE * min(1.0, (step + 1) / WARM_UP)
        rate *= 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = rate
        starts = torch.randint(len(ids) - TRAINED_CONTEXT - 1, (BATCH,))
        batch = torch.stack([ids[start : start + TRAINED_CONTEXT + 1] for start in starts])
        # Multiplies in bfloat16 where the processor can: five times as fast. Weights stay in fp32.
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            logits = model(batch[:, :-1]).logits.float()
        loss = functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 100 == 0 or step + 1 == steps:
            model.eval()
            total, predictions = score(model, held_out_ids[: 32 * WINDOW])
            model.train()
            print(f"{name}: step {step + 1}, loss {loss.item():.3f}, held-out perplexity "
                  f"{math.exp(total / predictions):.2f}, {time.time() - started:.0f} s", flush=True)


@torch.no_grad()
def score(model, ids):
    """The negative log-likelihood in nats and the number of predictions.

    Windows do not overlap and are scored independently, so the first token of each is not predicted;
    the last window may be shorter.
    """
    total, predictions = 0.0, 0
    for start in range(0, len(ids) - 1, WINDOW):
        window = ids[start : start + WINDOW]
        if len(window) < 2:
            break
        logits = model(window[None]).logits[0, :-1].double()
        total += functional.cross_entropy(logits, window[1:], reduction="sum").item()
        predictions += len(window) - 1
    return total, predictions


if __name__ == "__main__":
    main()
