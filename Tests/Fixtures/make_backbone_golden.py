"""Write the golden folders of other encoders than v3's: small random classifiers with what PyTorch makes of them.

    pip install torch==2.13.0 transformers==4.57.6 sentencepiece safetensors
    python make_backbone_golden.py golden

Each folder is as make_golden.py's, but for the tokenizer: sequences are random token ids, of which those from
`second_start` on are a second text. The files are the same, bit for bit, on each run.
"""

import argparse
import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import (
    BertConfig, BertForSequenceClassification, DebertaV2Config, DebertaV2ForSequenceClassification, RobertaConfig,
    RobertaForSequenceClassification)

from make_golden import tells_texts_apart, train

VOCABULARY = 120
# Tokens, and where the second text begins: one token, both sides of a tile, the longest; second texts of one
# token and of all but one.
LENGTHS = [(9, None), (1, None), (2, 1), (40, 23), (65, None), (17, 16), (64, 2), (160, 150), (128, 64), (33, 1), (160, None)]
SIZES = dict(
    vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48,
    max_position_embeddings=160, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    initializer_range=0.25, num_labels=2, pad_token_id=0)


def randomize(model):
    for name, parameter in model.named_parameters():
        if "bias" in name or "LayerNorm" in name:
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()


def judge(model, golden):
    """The cases, each alone; the hidden states of c03. All together, padded, they have the same logits."""
    cases = []
    for i, (length, second) in enumerate(LENGTHS):
        ids = torch.randint(4, VOCABULARY, (length,))
        types = torch.zeros_like(ids)
        types[second or length :] = 1 if tells_texts_apart(model) else 0
        with torch.no_grad():
            output = model(input_ids=ids[None], token_type_ids=types[None], output_hidden_states=True)
        logits = output.logits[0]
        cases.append(dict(
            id=f"c{i:02d}", prompt="", token_ids=ids.tolist(), second_start=second,
            logits=[float(x) for x in logits], p_unsafe=float(logits.softmax(-1)[1])))
        if i == 3:
            for k, states in enumerate(output.hidden_states):
                golden[f"hidden.{k}"] = states[0].contiguous()
    check_together(model, cases)
    return cases


def check_together(model, cases):
    width = max(len(case["token_ids"]) for case in cases)
    ids = torch.full((len(cases), width), model.config.pad_token_id)
    mask, types = torch.zeros_like(ids), torch.zeros_like(ids)
    for i, case in enumerate(cases):
        length = len(case["token_ids"])
        ids[i, :length] = torch.tensor(case["token_ids"])
        mask[i, :length] = 1
        types[i, case["second_start"] or length : length] = 1 if tells_texts_apart(model) else 0
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=mask, token_type_ids=types).logits
    difference = (logits - torch.tensor([case["logits"] for case in cases])).abs().max()
    assert difference < 1e-5, difference


def build(folder, seed, kind, configuration):
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    model = randomize(kind(configuration))
    model.save_pretrained(folder)
    golden = {}
    cases = judge(model, golden)
    with open(folder / "cases.jsonl", "w") as file:
        for case in cases:
            file.write(json.dumps(case) + "\n")
    (folder / "training.json").write_text(json.dumps(train(model, cases, golden), indent=1))
    save_file({name: tensor.contiguous() for name, tensor in golden.items()}, folder / "golden.safetensors")
    print(folder, [round(case["p_unsafe"], 3) for case in cases])


def deberta(**settings):
    return DebertaV2Config(**SIZES, **dict(dict(
        hidden_act="gelu", type_vocab_size=0, layer_norm_eps=1e-7, relative_attention=True,
        max_relative_positions=-1, position_buckets=16, norm_rel_ebd="layer_norm", share_att_key=True,
        pos_att_type=["p2c", "c2p"], position_biased_input=False, pooler_dropout=0, pooler_hidden_act="gelu",
        pooler_hidden_size=SIZES["hidden_size"]), **settings))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("output", type=pathlib.Path)
    output = arguments.parse_args().output
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    build(output / "bert", 5, BertForSequenceClassification, BertConfig(**SIZES))
    # Positions behind the padding's id, and a head of its own; a table of two types, as some of its models have, of
    # which one is used.
    build(output / "roberta", 9, RobertaForSequenceClassification, RobertaConfig(**dict(SIZES, **dict(
        pad_token_id=1, bos_token_id=0, eos_token_id=2, max_position_embeddings=162, type_vocab_size=1,
        layer_norm_eps=1e-5))))
    build(output / "roberta-types", 10, RobertaForSequenceClassification, RobertaConfig(**dict(SIZES, **dict(
        pad_token_id=3, bos_token_id=0, eos_token_id=2, max_position_embeddings=164, type_vocab_size=2))))
    # DeBERTa's layers with what few of its models have.
    build(output / "deberta-types", 6, DebertaV2ForSequenceClassification, deberta(
        type_vocab_size=2, position_biased_input=True, pooler_hidden_act="tanh"))
    # DeBERTa-v2-xlarge's convolution beside the first layer, and one in groups.
    build(output / "deberta-convolution", 7, DebertaV2ForSequenceClassification, deberta(
        conv_kernel_size=3, conv_act="gelu"))
    build(output / "deberta-convolution-groups", 8, DebertaV2ForSequenceClassification, deberta(
        conv_kernel_size=5, conv_groups=4, conv_act="tanh"))


if __name__ == "__main__":
    main()
