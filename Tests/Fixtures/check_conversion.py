"""Check that transformers makes of a converted folder what it made of the old one.

    pip install torch==2.13.0 transformers==4.57.6 safetensors
    swift build -c release --product sluice
    python Tests/Fixtures/check_conversion.py --sluice .build/release/sluice Tests/Fixtures/golden

Converts the golden folders of BERT and RoBERTa, with and without relative attention, loads them as
DebertaV2ForSequenceClassification, and fails unless every hidden state and logit is within 1e-5 of the old model's.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import torch
from transformers import AutoModelForSequenceClassification, DebertaV2ForSequenceClassification

from make_golden import tells_texts_apart

FOLDERS = ("bert", "roberta", "roberta-types")


def load(kind, folder):
    model, report = kind.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values()), report
    return model.eval()


def differences(before, after, cases):
    for case in cases:
        ids = torch.tensor([case["token_ids"]])
        types = torch.zeros_like(ids)
        if tells_texts_apart(before):
            types[0, case["second_start"] or ids.shape[1] :] = 1
        with torch.no_grad():
            old, new = [model(input_ids=ids, token_type_ids=types, output_hidden_states=True) for model in (before, after)]
        for a, b in zip(old.hidden_states + (old.logits,), new.hidden_states + (new.logits,), strict=True):
            yield float((a - b).abs().max())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", required=True, help="the sluice executable")
    parser.add_argument("golden", type=pathlib.Path)
    arguments = parser.parse_args()
    for name in FOLDERS:
        source = arguments.golden / name
        before = load(AutoModelForSequenceClassification, source)
        cases = [json.loads(line) for line in open(source / "cases.jsonl")]
        for options in ([], ["--relative"]):
            with tempfile.TemporaryDirectory() as directory:
                target = pathlib.Path(directory) / "converted"
                subprocess.run([arguments.sluice, "model", "convert", source, target, *options], check=True)
                worst = max(differences(before, load(DebertaV2ForSequenceClassification, target), cases))
            print(f"{name} {' '.join(options)}: {worst:.1e}")
            assert worst <= 1e-5


main()
