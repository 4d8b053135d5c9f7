"""Writes the reference models, their twins in GGUF, and what `transformers` computes with them.

Usage: python3 make.py --out DIR [--only NAME...] [--text FILE]

One folder per model under DIR; see README.md for the files in it. Everything is deterministic for the
versions in requirements.txt: fixed seeds and one thread.
"""

import argparse
import os
import time
from pathlib import Path

# Before the libraries load: the trainers of `tokenizers` add floats in the order of their threads.
os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers

import checkpoints
import minilm
import refused
from shapes import SHAPES

HERE = Path(__file__).parent
OTHERS = {"minilm": minilm.write, "refused": refused.write}


def main():
    names = [*SHAPES, *OTHERS]
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--only", nargs="*", choices=names, default=names, metavar="NAME")
    arguments.add_argument("--text", type=Path, help="train the tokenizers on this text")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    lines = corpus(options.text)
    for name in options.only:
        started = time.time()
        folder = options.out / name
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        if name in OTHERS:
            summary = OTHERS[name](folder, HERE / "corpus")
        else:
            summary = checkpoints.write(SHAPES[name], folder, lines)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        print(f"{name}: {summary}; {size / 2**20:.1f} MiB, {time.time() - started:.1f} s", flush=True)


def corpus(text):
    """The lines that tokenizers learn from and that sequences are taken from."""
    if text:
        return text.read_text(encoding="utf-8").splitlines()[:3000]
    files = sorted((HERE / "corpus").glob("*.txt"))
    return [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
