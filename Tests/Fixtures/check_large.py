"""Compare the engine with PyTorch on a random model of v3-large's shape, and check time and memory.

    swift build -c release --product sluice-bench
    python Tests/Fixtures/check_large.py --bench .build/release/sluice-bench

Writes 1.7 GB to --folder. Fails unless the model loads within 2 s from a warm page cache, the engine's
peak resident memory is at most 1.15 times the file plus 150 MB, and every logit is within 1e-4.
"""

import argparse
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import torch
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

LENGTHS = (1, 2, 17, 64, 65, 129, 300, 511, 512)


def random_model():
    torch.manual_seed(0)
    return DebertaV2ForSequenceClassification(DebertaV2Config(
        vocab_size=128100, hidden_size=1024, num_hidden_layers=24, num_attention_heads=16,
        intermediate_size=4096, max_position_embeddings=512, type_vocab_size=0, layer_norm_eps=1e-7,
        relative_attention=True, max_relative_positions=-1, position_buckets=256, norm_rel_ebd="layer_norm",
        share_att_key=True, pos_att_type=["p2c", "c2p"], position_biased_input=False, pooler_dropout=0,
        pooler_hidden_act="gelu", pooler_hidden_size=1024, num_labels=2, pad_token_id=0)).eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True, help="the sluice-bench executable")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "v3-large-random")
    arguments = parser.parse_args()
    model = random_model()
    model.save_pretrained(arguments.folder)
    numbers = random.Random(0)
    cases = [[1] + [numbers.randrange(4, 128000) for _ in range(n - 1)] for n in LENGTHS]
    tokens = arguments.folder / "tokens.jsonl"
    tokens.write_text("".join(json.dumps(case) + "\n" for case in cases))
    with torch.inference_mode():
        expected = [model(input_ids=torch.tensor([case])).logits[0].tolist() for case in cases]
    del model

    command = [arguments.bench, "engine", "--model", str(arguments.folder), "--dump-logits", str(tokens)]
    subprocess.run(command, check=True, capture_output=True)  # warms the page cache
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    found = [[float(x) for x in line.split()] for line in result.stdout.splitlines()]
    difference = max(abs(a - b) for x, y in zip(expected, found, strict=True) for a, b in zip(x, y))
    seconds = float(re.search(r"loaded in ([\d.]+)", result.stderr)[1])
    resident = int(re.search(r"peak resident (\d+)", result.stderr)[1]) * 1024 * 1024
    file_bytes = os.path.getsize(arguments.folder / "model.safetensors")
    allowed = 1.15 * file_bytes + 150e6
    print(f"largest difference of a logit {difference:.2e}, of {max(abs(a) for x in expected for a in x):.3f} at most")
    print(f"loaded in {seconds:.2f} s; peak resident {resident / 1e6:.0f} MB of {allowed / 1e6:.0f} MB allowed")
    sys.exit(0 if difference < 1e-4 and seconds <= 2 and resident <= allowed else 1)


if __name__ == "__main__":
    main()
