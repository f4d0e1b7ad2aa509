"""Write the label folders: tiny DeBERTa-v2 classifiers with other labels than safe and unsafe.

    pip install torch==2.13.0 transformers==4.57.6 safetensors
    python make_label_fixture.py labels

Each folder has config.json, model.safetensors, and cases.jsonl: token ids with PyTorch's logits and
P(unsafe), which is 1 - P(safe labels) under softmax and the largest unsafe label under sigmoid.
The files are the same, bit for bit, on each run.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

MULTI = "multi_label_classification"
# Names, problem type, and which labels are unsafe.
FOLDERS = {
    "swapped": (["unsafe", "safe"], None, [0]),
    "numbered": (["LABEL_0", "LABEL_1"], "single_label_classification", [1]),
    "one": (["injection"], None, [0]),
    "three": (["BENIGN", "INJECTION", "JAILBREAK"], None, [1, 2]),
    "moderation": (["S", "H", "V", "HR", "SH", "S3", "H2", "V2", "OK"], None, list(range(8))),
    "two-safe": (["harmless", "OK", "harmful"], None, [2]),
    "multi": (["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"], MULTI, list(range(6))),
    "multi-safe": (["safe", "violence", "self-harm"], MULTI, [1, 2]),
}


def write(folder, names, problem, unsafe, seed):
    torch.manual_seed(seed)
    config = DebertaV2Config(
        vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, max_position_embeddings=64,
        type_vocab_size=0, initializer_range=0.5, relative_attention=True, position_buckets=8,
        norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type=["p2c", "c2p"],
        position_biased_input=False, pooler_dropout=0, pooler_hidden_size=16, problem_type=problem,
        id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)})
    model = DebertaV2ForSequenceClassification(config).eval()
    model.classifier.bias.data += torch.randn_like(model.classifier.bias)
    folder.mkdir(parents=True, exist_ok=True)
    config.architectures = ["DebertaV2ForSequenceClassification"]
    (folder / "config.json").write_text(json.dumps(config.to_dict(), indent=1, sort_keys=True) + "\n")
    weights = {name: tensor.contiguous() for name, tensor in sorted(model.state_dict().items())}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    lines = []
    for length in (1, 2, 5, 9, 17, 40):
        ids = torch.randint(3, 64, (length,)).tolist()
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0].double()
        if problem == MULTI or len(names) == 1:
            score = logits[unsafe].sigmoid().max()
        else:
            score = logits.softmax(-1)[unsafe].sum()
        lines.append(json.dumps(dict(token_ids=ids, logits=logits.tolist(), p_unsafe=float(score))))
    (folder / "cases.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    for seed, (name, (names, problem, unsafe)) in enumerate(FOLDERS.items()):
        write(pathlib.Path(sys.argv[1]) / name, names, problem, unsafe, seed)
