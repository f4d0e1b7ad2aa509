"""Write tokenizer.json: texts of every kind of character with their ids by the reference.

    pip install sentencepiece
    python make_tokenizer_fixture.py golden/v3-style/spm.model tokenizer.json
"""

import json
import random
import sys

import sentencepiece

SAMPLES = [
    "", " ", "  \t\n ", "hello", "Ünïcödé", "e\u0301 é", "ﬁ ½ № Ａ", "a\u00a0b\u2003c\u200bd", "\u0000", "a\u0000b",
    "[SEP] [CLS]", "▁", "▁▁a", "😀👩‍👩‍👧‍👦🏳️‍🌈", "中文 日本語 한국어", "العربية עברית", "हिन्दी ไทย", "\ufeffbom", "\ufffd", "x" * 500,
]
RANGES = [(0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F),
          (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2100, 0x24FF), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3),
          (0xF900, 0xFAFF), (0xFB00, 0xFDFF), (0xFF00, 0xFFEF), (0x1F300, 0x1FAFF), (0x0, 0x1F), (0x10000, 0x10FFFF)]


def random_text(generator):
    ranges = generator.sample(RANGES, generator.randint(1, 4))
    return "".join(chr(generator.randint(*generator.choice(ranges))) for _ in range(generator.randint(1, 40)))


def main(model, output):
    processor = sentencepiece.SentencePieceProcessor(model_file=model)
    generator = random.Random(7)
    texts = SAMPLES + [random_text(generator) for _ in range(300)]
    rows = [{"text": text, "ids": processor.encode(text)} for text in texts]
    with open(output, "w") as file:
        json.dump(rows, file, indent=None, separators=(",", ":"))
        file.write("\n")


main(*sys.argv[1:])
