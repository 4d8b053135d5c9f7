"""Makes the tokenizers of the tests of GGUF files: one of each kind, in the form that Hugging Face's converters give them.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3 protobuf
    python make.py
"""

import collections
import io
import json
import pathlib
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import trainers

HERE = pathlib.Path(__file__).parent
CORPUS = """A contract runs a neural network, knows the price before it runs, and gets the same bytes on every machine.
The price is computed from the shapes of the tensors, never measured; it doesn't depend on the clock, we'll see why.
Whoever runs it again gets the same answer: 12 + 34 = 46, 3.14159, 2024-01-31, 1,000,000 and 0x7fff.
def multiply(left, right):\n\treturn [sum(a * b for a, b in zip(row, column)) for row in left for column in right]
Naïve façades, Übergrößen, crème brûlée, señor, smörgåsbord, “quotes”, «guillemets» — and a dash.
Привет, мир! Как дела сегодня? Γειά σου Κόσμε. 你好，世界！今天天气很好。こんにちは世界。안녕하세요 세계.
مرحبا بالعالم नमस्ते दुनिया สวัสดีชาวโลก 😀😃 👨‍👩‍👧 🇩🇪 x² ﬁne Ａｂｃ １２３
""".split("\n")


def write(name, tokenizer):
    document = json.loads(tokenizer.to_str())
    path = HERE / f"{name}.json"
    path.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(path.name, path.stat().st_size)


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<|begin|>", "<|end|>"]
    tokenizer.train_from_iterator(
        CORPUS * 3,
        trainers.BpeTrainer(vocab_size=520, special_tokens=special, initial_alphabet=alphabet, show_progress=False),
    )
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False), AddedToken("\n\n\n", normalized=False)])
    write("byte_level", tokenizer)


def train(**options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS * 3),
        model_writer=model,
        user_defined_symbols=["<tool>"],
        num_threads=1,
        minloglevel=2,
        **options,
    )
    parsed = sentencepiece_model_pb2.ModelProto()
    parsed.ParseFromString(model.getvalue())
    return parsed


def bpe():
    """Pieces of SentencePiece, with the merges that follow from them."""
    pieces = train(
        model_type="bpe",
        vocab_size=620,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        split_digits=True,
        character_coverage=0.98,
    ).pieces
    vocabulary = {piece.piece: index for index, piece in enumerate(pieces)}
    merges = []
    for piece in pieces:
        text = piece.piece
        cuts = [(text[:cut], text[cut:]) for cut in range(1, len(text))]
        merges += [(piece.score, cut) for cut in cuts if cut[0] in vocabulary and cut[1] in vocabulary]
    merges.sort(key=lambda merge: (merge[0], len(merge[1][0]), len(merge[1][1])), reverse=True)
    merges = [cut for _, cut in merges]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in ("<unk>", "<s>", "</s>")])
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False)])
    write("sentencepiece", tokenizer)


def unigram():
    rules = ["9\t20", "A\t20", "D\t20", "3000\t20", "FB01\t66 69", "B2\t32"]
    rules += [f"{0xFF21 + i:X}\t{0x41 + i:X}" for i in range(26)]
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.write("\n".join(rules) + "\n")
        file.flush()
        model = train(
            model_type="unigram",
            vocab_size=200,
            normalization_rule_tsv=file.name,
            character_coverage=0.98,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
        )
    pieces = [(piece.piece, piece.score) for piece in model.pieces]
    tokenizer = Tokenizer(models.Unigram(pieces, 2, False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap)]
    )
    metaspace = {"replacement": "▁", "prepend_scheme": "always"}
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(**metaspace)]
    )
    tokenizer.decoder = decoders.Metaspace(**metaspace)
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in ("<pad>", "</s>", "<unk>")])
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False)])
    write("unigram", tokenizer)


def wordpiece():
    """Characters, and the beginnings and ends that two words share: the trainer of the package breaks ties at random."""
    normalizer = normalizers.BertNormalizer(lowercase=True)
    cut = pre_tokenizers.BertPreTokenizer()
    words = {word for line in CORPUS[:6] for word, _ in cut.pre_tokenize_str(normalizer.normalize_str(line))}
    counts = collections.Counter()
    for word in words:
        counts.update(word[:length] for length in range(2, len(word) + 1))
        counts.update("##" + word[start:] for start in range(1, len(word) - 1))
    characters = sorted({character for word in words for character in word})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + characters
    pieces += ["##" + character for character in characters if character.isalnum()]
    pieces += sorted(piece for piece, count in counts.items() if count > 1)
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = cut
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(pieces[:5])
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    write("wordpiece", tokenizer)


byte_level()
bpe()
unigram()
wordpiece()
