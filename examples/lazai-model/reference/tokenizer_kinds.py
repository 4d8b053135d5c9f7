"""Trains one tokenizer of each kind that the supported model families use.

Every function takes the training lines and a vocabulary size and returns a `Trained`: the
`tokenizers.Tokenizer`, its special tokens, and what a GGUF file needs to embed it.
"""

import json
import math
from collections import Counter
from dataclasses import dataclass, field

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN_SPLIT = LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")
# Rarer letters fall back to bytes, or are unknown.
ALPHABET = 120
BYTE_PIECES = [f"<0x{byte:02X}>" for byte in range(256)]


@dataclass
class Trained:
    """A trained tokenizer and what its files must say about it."""

    tokenizer: Tokenizer
    # Names of `tokenizer_config.json`, as "bos_token", with their tokens.
    special: dict[str, str]
    # `tokenizer.ggml.model` and `tokenizer.ggml.pre`.
    gguf_model: str
    gguf_pre: str
    # One score per token, for SentencePiece kinds.
    scores: list[float] | None = None
    # `tokenizer_config.json` keys beyond the special tokens.
    config: dict = field(default_factory=dict)

    @property
    def size(self) -> int:
        return self.tokenizer.get_vocab_size(with_added_tokens=True)

    def id(self, name: str) -> int | None:
        token = self.special.get(name)
        return None if token is None else self.tokenizer.token_to_id(token)

    def model_json(self) -> dict:
        return json.loads(self.tokenizer.to_str())["model"]

    def save(self, folder) -> None:
        self.tokenizer.save(str(folder / "tokenizer.json"))
        config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
        config.update(self.config)
        config.update(self.special)
        text = json.dumps(config, indent=2, ensure_ascii=False)
        (folder / "tokenizer_config.json").write_text(text + "\n")


def gpt2(lines, size):
    """Byte-level BPE as GPT-2's: the end-of-text token is the last of the vocabulary."""
    tokenizer = _byte_level_bpe(lines, size - 1, pre_tokenizers.ByteLevel(add_prefix_space=False))
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    end = "<|endoftext|>"
    return Trained(tokenizer, {"bos_token": end, "eos_token": end, "unk_token": end}, "gpt2", "gpt-2")


def llama3(lines, size):
    """Byte-level BPE with Llama 3's splitting, `ignore_merges` and a begin-of-text token."""
    special = [
        "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
    ]
    tokenizer = _byte_level_bpe(lines, size - len(special), _split_then_bytes(LLAMA3_SPLIT))
    tokenizer.model.ignore_merges = True
    tokenizer.add_special_tokens(special)
    begin = tokenizer.token_to_id(special[0])
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True),
        processors.TemplateProcessing(
            single=f"{special[0]} $A",
            pair=f"{special[0]} $A {special[0]}:1 $B:1",
            special_tokens=[(special[0], begin)],
        ),
    ])
    names = {"bos_token": special[0], "eos_token": special[4]}
    return Trained(tokenizer, names, "gpt2", "llama-bpe", config={"chat_template": LLAMA3_TEMPLATE})


def qwen(lines, size):
    """Byte-level BPE with NFC and Qwen's splitting: each digit stands alone, nothing is prepended."""
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = _byte_level_bpe(lines, size - len(special), _split_then_bytes(QWEN_SPLIT))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False)
    names = {"eos_token": special[2], "pad_token": special[0]}
    config = {"chat_template": CHATML_TEMPLATE, "add_bos_token": False}
    return Trained(tokenizer, names, "gpt2", "qwen2", config=config)


def smollm(lines, size):
    """Byte-level BPE as SmolLM's: single digits, then GPT-2's splitting; specials come first."""
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    split = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ])
    tokenizer = _byte_level_bpe(lines, size, split, special)
    names = {"bos_token": special[1], "eos_token": special[2], "unk_token": special[0]}
    config = {"chat_template": CHATML_TEMPLATE}
    return Trained(tokenizer, names, "gpt2", "smollm", config=config)


def sentencepiece_bpe(lines, size, metaspace=False):
    """BPE over SentencePiece pieces with byte fallback, as Llama 2's and Mistral's.

    `metaspace` chooses between the two forms found on the hub: spaces replaced by a normalizer
    (Llama 2), or by a pre-tokenizer that prepends only at the start of the text (Mistral).
    """
    special = ["<unk>", "<s>", "</s>"]
    splitter = pre_tokenizers.Metaspace(prepend_scheme="always")
    learner = _plain_bpe(_common_letters(lines), size - len(special) - len(BYTE_PIECES), splitter)
    learned = sorted(learner.get_vocab(), key=learner.get_vocab().get)
    # SentencePiece numbers the merged pieces in the order of their merging, and letters last.
    pieces = [piece for piece in learned if len(piece) > 1] + [piece for piece in learned if len(piece) == 1]
    tokens = special + BYTE_PIECES + pieces
    first = len(tokens) - len(pieces)
    rank = {piece: index for index, piece in enumerate(pieces)}
    # A piece may be merged from any two pieces, not only from those it was learnt from.
    merges = [
        (-rank[piece], len(piece[:cut]), len(piece[cut:]), piece[:cut], piece[cut:])
        for piece in pieces
        for cut in range(1, len(piece))
        if piece[:cut] in rank and piece[cut:] in rank
    ]
    merges.sort(key=lambda merge: merge[:3], reverse=True)
    model = models.BPE(
        vocab={token: index for index, token in enumerate(tokens)},
        merges=[merge[3:] for merge in merges],
        unk_token="<unk>",
        fuse_unk=True,
        byte_fallback=True,
    )
    tokenizer = Tokenizer(model)
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    else:
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
    _finish_sentencepiece(tokenizer, special)
    scores = [0.0] * first + [-float(index) for index in range(len(pieces))]
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    config = {"chat_template": LLAMA2_TEMPLATE, "add_bos_token": True, "add_eos_token": False}
    return Trained(tokenizer, names, "llama", "default", scores, config)


def sentencepiece_unigram(lines, size):
    """A unigram model with byte fallback.

    Estimated by counting best segmentations over and over: the trainer of `tokenizers` adds up in the
    order of a random hash, so its models differ from run to run.
    """
    lines = _common_letters(lines)
    special = ["<unk>", "<s>", "</s>"]
    wanted = size - len(special) - len(BYTE_PIECES)
    splitter = pre_tokenizers.Metaspace(prepend_scheme="always")
    counts = _piece_counts(_plain_bpe(lines, 2 * wanted, splitter), lines)
    for pieces in (2 * wanted, 3 * wanted // 2, wanted, wanted, wanted):
        vocab = [("<unk>", 0.0), *_log_probabilities(counts, pieces)]
        model = Tokenizer(models.Unigram(vocab, unk_id=0))
        model.pre_tokenizer = splitter
        counts = _piece_counts(model, lines)
    vocab = [(token, 0.0) for token in special + BYTE_PIECES] + vocab[1:]
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=0, byte_fallback=True))
    tokenizer.pre_tokenizer = splitter
    _finish_sentencepiece(tokenizer, special)
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    return Trained(tokenizer, names, "t5", "default", [score for _, score in vocab])


def wordpiece(lines, size):
    """Lower-cased WordPiece as BERT's, with the pieces that BPE finds most often.

    The trainer of `tokenizers` numbers letters in the order of a random hash.
    """
    lines = _common_letters(lines)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    normalizer, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    learner = _plain_bpe(lines, size, splitter, normalizer)
    counts = _piece_counts(learner, lines, continued="##")
    letters = sorted({letter for piece in counts for letter in piece.removeprefix("##")})
    pieces = [form for letter in letters for form in (letter, "##" + letter)]
    longer = sorted(set(counts) - set(pieces), key=lambda piece: (-counts[piece], piece))
    tokens = (special + pieces + longer)[:size]
    vocab = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splitter
    tokenizer.add_special_tokens(special)
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = {
        "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]",
        "sep_token": "[SEP]", "mask_token": "[MASK]",
    }
    return Trained(tokenizer, names, "bert", "jina-v2-en", config={"do_lower_case": True})


def _plain_bpe(lines, size, pre_tokenizer, normalizer=None):
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        learner.normalizer = normalizer
    learner.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=size, show_progress=False))
    return learner


def _piece_counts(tokenizer, lines, continued=""):
    """How often each piece occurs; pieces inside a word carry the prefix `continued`."""
    counts = Counter()
    for encoding in tokenizer.encode_batch(lines, add_special_tokens=False):
        words = [None, *encoding.word_ids]
        for piece, before, word in zip(encoding.tokens, words, encoding.word_ids):
            counts[continued + piece if word == before else piece] += 1
    return counts


def _log_probabilities(counts, size):
    """The most frequent pieces and every letter, with their scores, the likeliest first."""
    letters = sorted({letter for piece in counts for letter in piece})
    longer = [piece for piece in counts if len(piece) > 1]
    longer.sort(key=lambda piece: (-counts[piece], piece))
    kept = letters + longer[: size - len(letters)]
    total = sum(counts[piece] for piece in kept)
    scored = [(piece, round(math.log(max(counts[piece], 0.5) / total), 4)) for piece in kept]
    return sorted(scored, key=lambda entry: (-entry[1], entry[0]))


def _common_letters(lines):
    """The lines without rare letters; the trainers' own limit breaks ties at random."""
    counts = Counter(letter for line in lines for letter in line)
    common = sorted(counts, key=lambda letter: (-counts[letter], letter))[:ALPHABET]
    kept = frozenset(common)
    return ["".join(letter for letter in line if letter in kept) for line in lines]


def _byte_level_bpe(lines, size, pre_tokenizer, special=()):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        show_progress=False,
        special_tokens=list(special),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def _split_then_bytes(pattern):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])


def _finish_sentencepiece(tokenizer, special):
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("▁", " "),
        decoders.ByteFallback(),
        decoders.Fuse(),
        decoders.Strip(content=" ", left=1),
    ])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)]
    )


LLAMA2_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
    "{{ ' ' + message['content'] + eos_token }}{% else %}"
    "{{ raise_exception('only user and assistant roles are known') }}{% endif %}{% endfor %}"
)
LLAMA3_TEMPLATE = (
    "{{- bos_token }}\n{%- for message in messages %}\n"
    "    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}\n"
    "    {{- message['content'] | trim + '<|eot_id|>' }}\n{%- endfor %}\n"
    "{%- if add_generation_prompt %}\n"
    "    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}\n{%- endif %}\n"
)
CHATML_TEMPLATE = (
    "{%- if messages[0]['role'] != 'system' %}"
    "{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{%- endif %}"
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
