"""Write tokenizers/: small tokenizers as transformers saves them, with what they make of texts.

    pip install transformers==4.57.6 tokenizers sentencepiece protobuf
    python make_tokenizers.py tokenizers

Each folder has the tokenizer's files and cases.json: ids of some texts, and for texts that the test
makes itself from the same seed a digest of the ids of each. unicode.json has what the library takes
for white space, punctuation and so on. With `--compare LINES` it only writes ids of the texts in a
file (JSON lines, every string in them) beside the folder, for the comparison by hand.
"""

import argparse
import hashlib
import json
import pathlib
import shutil

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoTokenizer, BertTokenizerFast, DebertaV2Tokenizer, DebertaV2TokenizerFast, PreTrainedTokenizerFast, RobertaTokenizerFast,
    XLMRobertaTokenizerFast)

MASK = (1 << 64) - 1
RANDOM_TEXTS = 10_000
SAMPLES = [
    "", " ", "  \t\n ", "hello", "Hello, World!", "don't", "Ünïcödé", "e\u0301 é E\u0301", "ﬁ½№Ａ ﬁ\u0301 ²\u0301", "a\u00a0b\u2003c\u200bd",
    "\u0000", "a\u0000b", "▁", "▁▁a ▁b", "😀👩‍👩‍👧‍👦🏳️‍🌈", "中文 日本語 한국어 \u1112\u1161\u11ab", "العربية עברית", "हिन्दी ไทย", "\ufeffbom",
    "\ufffd", "x" * 99, "x" * 100, "x" * 101, "é" * 100, "a\r\nb\rc\nd", "İstanbul ΣΑΣ ß", "...!?", "a-b_c", "१२३", "\u0344\u0f73 q\u0307\u0323",
    "the cat<extra> sat", "the cat  <extra>  sat", "a[TOOL]b", "xTOOLx TOOL x", "the Mixed one", "mixed", "<a><ab><abc>", "  <l>  <r>  x", "<r> <l>",
    "line\n\n\nline  two \t tab", " leading", "trailing ", "word\u0301\u0301\u0323", "\u3000wide\u3000", "ａｂｃ", "ÅÅÅ", "가각힣", "\u0958\u2adc",
]
# What GPT-2's regular expression tells apart.
WORD_SAMPLES = [
    "it's I'll we've you're I'd I'm can't", "IT'S i'LL o'Neil rock'n'roll", "''s ' 's'", "x'reason 'vest'd 'l 'r", "'", "a '",
    "a  b   c \t d", " \n\n x", "1234 a1b2 ²Ⅷ١٢", "x \u3000\u2003y", "!!! ?!", "\u1c89 \U00016d40 \U00010940",
]
PAIRS = [("", "b"), ("a", "b"), ("How do I bake bread?", "Mix flour and water."), (" x ", " y ")]
RANGES = [
    (0x20, 0x7E), (0x20, 0x7E), (0x61, 0x7A), (0x0, 0x1F), (0x7F, 0xFF), (0x100, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF),
    (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2100, 0x24FF), (0x2580, 0x2590), (0x3000, 0x30FF),
    (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xE000, 0xF8FF), (0xF900, 0xFAFF), (0xFB00, 0xFDFF), (0xFE00, 0xFE2F), (0xFF00, 0xFFEF),
    (0x1D100, 0x1D1FF), (0x1D400, 0x1D7FF), (0x1F300, 0x1FAFF), (0x1F1E6, 0x1F1FF), (0x0, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF),
]
WORDS = ["the", "cat", "Hello", "world", " ", "  ", "\n", "e\u0301", "ing", "<extra>", "[TOOL]", "TOOL", "Mixed", "<l>", "<r>", "\u200d", "\r\n", "...", "ﬁ"]


class Generator:
    """SplitMix64, as Basics has it."""

    def __init__(self, seed, repeats):
        self.state = seed
        self.repeats = repeats

    def below(self, count):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 11) % count

    def text(self):
        ranges = [RANGES[self.below(len(RANGES))] for _ in range(1 + self.below(4))]
        text = ""
        for _ in range(1 + self.below(40)):
            if self.below(4) == 0:
                text += WORDS[self.below(len(WORDS))]
                continue
            low, high = ranges[self.below(len(ranges))]
            character = chr(low + self.below(high - low + 1))
            text += character * (1 + self.below(30) if self.repeats and self.below(40) == 0 else 1)
        return text


def digest(ids):
    return hashlib.sha256(" ".join(map(str, ids)).encode()).digest()[0]


def cases(encode, repeats, samples, pair):
    generator = Generator(7, repeats)
    texts = [generator.text() for _ in range(RANDOM_TEXTS)]
    found = {
        "repeats": repeats,
        "samples": [{"text": text, "ids": encode(text)} for text in samples],
        "digests": bytes(digest(encode(text)) for text in texts).hex(),
    }
    if pair:
        found["pairs"] = [{"first": first, "second": second, "ids": pair(first, second)} for first, second in PAIRS]
    return found


def save(folder, encode, compared=None, repeats=True, samples=SAMPLES, pair=None):
    if compared is None:
        found = cases(encode, repeats, samples, pair)
        (folder / "cases.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")
    else:
        rows = [{"text": text, "ids": encode(text)} for text in compared]
        folder.with_suffix(".compared.json").write_text(json.dumps(rows))


def fast(tokenizer):
    return lambda text: tokenizer(text, add_special_tokens=False)["input_ids"]


def save_roberta(folder, tokenizer, compared):
    """With pairs, between whose texts two separators stand."""
    pair = lambda first, second: tokenizer(first, second)["input_ids"]
    assert pair("a", "b").count(tokenizer.sep_token_id) == 3
    save(folder, fast(tokenizer), compared, samples=SAMPLES + WORD_SAMPLES, pair=pair)


def fresh(path):
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def training_text():
    """Harmless: the names that Unicode gives to characters, and a few sentences."""
    import unicodedata

    names = [unicodedata.name(chr(code), "") for code in range(0x20, 0x3000)]
    lines = [name.capitalize() for name in names if name] + [name.lower() for name in names if name]
    lines += ["The cat sat on the mat, didn't it?", "Größe, élève, señor, naïve, Ωmega, привет, שלום, 中文字, 日本語, 한국어 1234567890"] * 20
    return lines


def added():
    return [
        AddedToken("<extra>", normalized=False),
        AddedToken("[TOOL]", special=True, normalized=False),
        AddedToken("TOOL", single_word=True, normalized=False),
        AddedToken("Mixed", normalized=True),
        AddedToken("<l>", lstrip=True, normalized=False),
        AddedToken("<r>", rstrip=True, normalized=False),
        AddedToken("<ab>", normalized=False),
        AddedToken("<ab", normalized=False),
    ]


def word_pieces(lowercase):
    trainer = trainers.WordPieceTrainer(
        vocab_size=1200, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False)
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(training_text(), trainer)
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.get)


def make_bert(output, compared):
    for name, lowercase, accents, ideographs in [
        ("bert-uncased", True, None, True), ("bert-cased", False, None, True), ("bert-accents", True, False, False),
    ]:
        folder = fresh(output / name)
        (folder / "vocab.txt").write_text("".join(piece + "\n" for piece in word_pieces(lowercase)))
        (folder / "tokenizer_config.json").write_text(json.dumps({
            "tokenizer_class": "BertTokenizer", "do_lower_case": lowercase, "strip_accents": accents,
            "tokenize_chinese_chars": ideographs, "model_max_length": 512}) + "\n")
        tokenizer = AutoTokenizer.from_pretrained(folder)
        assert isinstance(tokenizer, BertTokenizerFast)
        save(folder, fast(tokenizer), compared)
    # The same as one file, with tokens added.
    folder = fresh(output / "bert-added")
    tokenizer = AutoTokenizer.from_pretrained(output / "bert-uncased")
    tokenizer.add_tokens(added())
    tokenizer.save_pretrained(folder)
    (folder / "vocab.txt").unlink()
    save(folder, fast(AutoTokenizer.from_pretrained(folder)), compared)


def make_unigram(output, compared):
    source = fresh(output / "source")
    normalizing = train_unigram(source, "nmt_nfkc")
    plain = train_unigram(source, "identity")
    switches = {"do_lower_case": True, "split_by_punct": True}
    for name, model, options, tokens in [("unigram", normalizing, {}, []), ("unigram-added", plain, switches, added())]:
        folder = fresh(output / name)
        tokenizer = DebertaV2TokenizerFast(vocab_file=model, **options)
        tokenizer.add_tokens(tokens)
        tokenizer.save_pretrained(folder)
        (folder / "spm.model").unlink()
        (folder / "added_tokens.json").unlink(missing_ok=True)
        save(folder, fast(AutoTokenizer.from_pretrained(folder)), compared)
    # What transformers 5 writes for the same class.
    folder = fresh(output / "unigram-five")
    backend = DebertaV2TokenizerFast(vocab_file=plain).backend_tokenizer
    backend.normalizer = normalizers.Sequence([
        normalizers.Replace(Regex(r"\s{2,}|[\n\r\t]"), " "), normalizers.NFC(), normalizers.Strip(left=False, right=True)])
    backend.save(str(folder / "tokenizer.json"))
    loaded = Tokenizer.from_file(str(folder / "tokenizer.json"))
    save(folder, lambda text: loaded.encode(text, add_special_tokens=False).ids, compared)
    # SentencePiece itself, with the switches of transformers' own class and added tokens.
    folder = fresh(output / "spm-switches")
    tokenizer = DebertaV2Tokenizer(vocab_file=plain, **switches)
    tokenizer.add_tokens([AddedToken("<extra>", normalized=False), AddedToken("[TOOL]", special=True, normalized=False)])
    tokenizer.save_pretrained(folder)
    (folder / "special_tokens_map.json").unlink()
    # Versions of SentencePiece break ties otherwise, as in long runs of one letter.
    save(folder, fast(DebertaV2Tokenizer.from_pretrained(folder)), compared, repeats=False)
    shutil.rmtree(source)


def make_xlm_roberta(output, compared):
    """XLM-RoBERTa's as it stands in its folders: white space is cut off before the pieces are found."""
    source = fresh(output / "source")
    folder = fresh(output / "xlm-roberta")
    tokenizer = XLMRobertaTokenizerFast(vocab_file=train_unigram(source, "identity", roberta=True))
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.save_pretrained(folder)
    (folder / "sentencepiece.bpe.model").unlink()
    save_roberta(folder, AutoTokenizer.from_pretrained(folder), compared)
    shutil.rmtree(source)


def make_byte_pairs(output, compared):
    """RoBERTa's tokenizer in two files; in one file with tokens added and a space in front; and with merges as older files
    spell them, where tokenizer_config.json overrules the space of tokenizer.json."""
    trainer = trainers.BpeTrainer(
        vocab_size=1200, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.train_from_iterator(training_text(), trainer)
    source = fresh(output / "source")
    trained.model.save(str(source))
    folder = fresh(output / "bpe-files")
    tokenizer = RobertaTokenizerFast(str(source / "vocab.json"), str(source / "merges.txt"))
    tokenizer.save_pretrained(folder)
    (folder / "tokenizer.json").unlink()
    (folder / "special_tokens_map.json").unlink()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert isinstance(tokenizer, RobertaTokenizerFast)
    save_roberta(folder, tokenizer, compared)

    folder = fresh(output / "bpe-added")
    tokenizer = RobertaTokenizerFast(str(source / "vocab.json"), str(source / "merges.txt"), add_prefix_space=True)
    tokenizer.add_tokens(added())
    tokenizer.save_pretrained(folder)
    for name in ["vocab.json", "merges.txt"]:
        (folder / name).unlink()
    save_roberta(folder, AutoTokenizer.from_pretrained(folder), compared)

    folder = fresh(output / "bpe-older")
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trained.normalizer = normalizers.NFC()
    trained.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True),
        processors.TemplateProcessing(
            single="<s> $A </s>", pair="<s> $A </s> </s> $B:1 </s>:1", special_tokens=[("<s>", 0), ("</s>", 2)])])
    document = json.loads(trained.to_str())
    document["model"]["merges"] = [" ".join(merge) for merge in document["model"]["merges"]]
    (folder / "tokenizer.json").write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>"}) + "\n")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    save_roberta(folder, tokenizer, compared)
    shutil.rmtree(source)


def train_unigram(folder, rules, roberta=False):
    text = folder / "text"
    text.write_text("\n".join(training_text()))
    control = dict(
        pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]")
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(folder / rules), vocab_size=1500, model_type="unigram", character_coverage=1.0,
        normalization_rule_name=rules, minloglevel=2, num_threads=1, **({} if roberta else control))
    return str(folder / f"{rules}.model")


def make_unicode(output):
    """Ranges of characters that the library puts into each class, and forms of single characters."""
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]

    def ranges(predicate):
        found = []
        for character in filter(predicate, characters):
            if found and found[-1][1] == ord(character) - 1:
                found[-1][1] = ord(character)
            else:
                found.append([ord(character), ord(character)])
        return found

    def form(normalizer):
        text = "".join(f"{ord(c):x} {normalizer.normalize_str(c)}\n" for c in characters if normalizer.normalize_str(c) != c)
        return hashlib.sha256(text.encode()).hexdigest()

    clean = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    pattern = lambda expression: pre_tokenizers.Split(Regex(expression), "removed")
    letters, numbers = pattern(r"\p{L}"), pattern(r"\p{N}")
    strip = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    split = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=True, strip_accents=False, lowercase=False)
    words = pre_tokenizers.BertPreTokenizer()
    found = {
        "space": ranges(lambda c: words.pre_tokenize_str(c) == []),
        "control": ranges(lambda c: clean.normalize_str(c) == ""),
        "punctuation": ranges(lambda c: len(words.pre_tokenize_str("a" + c + "a")) == 3),
        "accent": ranges(lambda c: strip.normalize_str(c) == ""),
        "ideograph": ranges(lambda c: split.normalize_str(c) != c),
        "letter": ranges(lambda c: letters.pre_tokenize_str(c) == []),
        "number": ranges(lambda c: numbers.pre_tokenize_str(c) == []),
        "forms": {
            "lowercase": form(normalizers.Lowercase()), "NFD": form(normalizers.NFD()), "NFC": form(normalizers.NFC()),
            "unaccented": form(strip),
        },
    }
    (output / "unicode.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for child in value.values() if isinstance(value, dict) else value:
            yield from strings(child)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--compare", metavar="LINES")
    arguments = parser.parse_args()
    compared = None
    if arguments.compare:
        compared = [text for line in open(arguments.compare) for text in strings(json.loads(line))]
    else:
        make_unicode(fresh(arguments.output))
    make_bert(arguments.output, compared)
    make_unigram(arguments.output, compared)
    make_xlm_roberta(arguments.output, compared)
    make_byte_pairs(arguments.output, compared)


main()
