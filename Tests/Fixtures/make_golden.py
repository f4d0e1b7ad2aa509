"""Write the golden folders: small random DeBERTa-v2 classifiers with what PyTorch makes of them.

    pip install torch==2.13.0 transformers==4.57.6 sentencepiece safetensors
    python make_golden.py golden/v3-style/spm.model golden

Each folder is a model in Hugging Face layout, with
- cases.jsonl: texts with their token ids, logits and P(unsafe);
- golden.safetensors: hidden states of case c03, gradients, and what ten training steps gave;
- training.json: the same training run in numbers for people.
The files are the same, bit for bit, on each run; config.json names the version of transformers.
"""

import argparse
import json
import pathlib
import shutil

import sentencepiece
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

# Prompt and response; None judges the prompt alone. What breaks tokenizers, and each length class:
# empty, one token, under and over the buckets, and over the window on either side of a pair.
TEXTS = [
    ("How do I bake bread?", None),
    ("a", None),
    ("", None),
    ("How do I bake bread?", "Mix flour, water, salt and yeast; rest; bake at 230 °C for 35 minutes."),
    ("   leading and   inner   spaces\t\ttabs\n\nnewlines  ", None),
    ("ﬁne ½ № Ｆｕｌｌ ｗｉｄｔｈ ①②③", "ＡＢＣ ﬀ ﬃ"),
    ("emoji 😀👩‍👩‍👧‍👦🏳️‍🌈 and zero\u200bwidth", "naïve café e\u0301 \u00a0nbsp"),
    ("русский текст, 中文文本，日本語のテキスト、한국어 텍스트", "العربية עברית हिन्दी ไทย"),
    ("user text with [SEP] and [CLS] and [MASK] and [UNK] inside", "also [SEP] here"),
    ("The quick brown fox jumps over the lazy dog. " * 12, "Pack my box with five dozen liquor jugs. " * 9),
    ("word " * 300, None),
    ("code: for (int i=0;i<n;++i){a[i]+=b[i];} // done", "<html><b>x</b></html>\\n\\t\\u0000"),
    ("long " * 60, "answer " * 700),
    ("x" * 2000, None),
    ("1234567890 " * 40, "3.14159265358979 6.02e23 -17 0xDEADBEEF"),
]
CLS, SEP = 1, 2
TRAINED_CASES = (0, 3, 5, 9)
STEPS = 10


def encode(sp, prompt, response, window):
    """[CLS] prompt [SEP] response [SEP], cut to the window from the longer side."""
    a = sp.encode(prompt)
    if response is None:
        return [CLS] + a[: window - 2] + [SEP]
    b = sp.encode(response)
    while len(a) + len(b) > window - 3:
        (a if len(a) > len(b) else b).pop()
    return [CLS] + a + [SEP] + b + [SEP]


def random_model(pieces, seed, settings):
    """A classifier with weights large enough that every part of it shows in the logits."""
    torch.manual_seed(seed)
    config = dict(
        vocab_size=(pieces + 64) // 64 * 64, hidden_size=64, num_hidden_layers=3, num_attention_heads=4,
        intermediate_size=128, hidden_act="gelu", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        max_position_embeddings=128, type_vocab_size=0, initializer_range=0.25, layer_norm_eps=1e-7,
        relative_attention=True, max_relative_positions=-1, position_buckets=32, norm_rel_ebd="layer_norm",
        share_att_key=True, pos_att_type=["p2c", "c2p"], position_biased_input=False, pooler_dropout=0,
        pooler_hidden_act="gelu", num_labels=2, pad_token_id=0)
    config.update(settings)
    config["pooler_hidden_size"] = config["hidden_size"]
    model = DebertaV2ForSequenceClassification(DebertaV2Config(**config))
    for name, parameter in model.named_parameters():
        if "bias" in name or "LayerNorm" in name:
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()


def write_tokenizer(folder, spm, window):
    shutil.copyfile(spm, folder / "spm.model")
    settings = {
        "tokenizer_class": "DebertaV2Tokenizer", "do_lower_case": False, "split_by_punct": False,
        "vocab_type": "spm", "bos_token": "[CLS]", "cls_token": "[CLS]", "eos_token": "[SEP]",
        "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]",
        "model_max_length": window}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1))


def judge(model, sp, window, golden):
    """The cases, and the hidden states of c03; texts beyond an absolute position table are left out."""
    cases = []
    limit = model.config.max_position_embeddings if model.config.position_biased_input else None
    for i, (prompt, response) in enumerate(TEXTS):
        ids = encode(sp, prompt, response, window)
        if limit and len(ids) > limit:
            continue
        with torch.no_grad():
            output = model(input_ids=torch.tensor([ids]), output_hidden_states=True)
        logits = output.logits[0]
        cases.append(dict(
            id=f"c{i:02d}", prompt=prompt, response=response, token_ids=ids,
            logits=[float(x) for x in logits], p_unsafe=float(logits.softmax(-1)[1])))
        if i == 3:
            for k, states in enumerate(output.hidden_states):
                golden[f"hidden.{k}"] = states[0].contiguous()
    return cases


def tells_texts_apart(model):
    """RoBERTa's tokenizer gives no types."""
    return model.config.type_vocab_size > 1 and model.config.model_type != "roberta"


def train(model, cases, golden):
    """One backward pass, then ten steps of AdamW on half distillation, half labels."""
    batch = [cases[i] for i in TRAINED_CASES if i < len(cases)]
    teacher = torch.tensor([0.9, 0.2, 0.6, 0.05][: len(batch)])
    labels = torch.tensor([1, 0, 1, 0][: len(batch)])
    width = max(len(case["token_ids"]) for case in batch)
    ids = torch.full((len(batch), width), model.config.pad_token_id)
    mask = torch.zeros_like(ids)
    types = torch.zeros_like(ids)
    for i, case in enumerate(batch):
        length = len(case["token_ids"])
        ids[i, :length] = torch.tensor(case["token_ids"])
        mask[i, :length] = 1
        types[i, case.get("second_start") or length : length] = 1 if tells_texts_apart(model) else 0

    def loss():
        log_p = model(input_ids=ids, attention_mask=mask, token_type_ids=types).logits.log_softmax(-1)
        divergence = F.kl_div(log_p, torch.stack([1 - teacher, teacher], 1), reduction="batchmean")
        return 0.5 * divergence + 0.5 * F.nll_loss(log_p, labels)

    model.train()
    first = loss()
    first.backward()
    golden["train.loss"] = first.detach().reshape(1)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None and not name.endswith("word_embeddings.weight"):
            golden["grad." + name] = parameter.grad.clone()
    gradient = model.base_model.embeddings.word_embeddings.weight.grad
    rows = sorted({int(x) for x in ids.flatten() if x != model.config.pad_token_id})
    golden["grad.word_embeddings.rows"] = torch.tensor(rows)
    golden["grad.word_embeddings.values"] = gradient[rows].clone()

    named = list(model.named_parameters())
    plain = [p for n, p in named if "bias" in n or "LayerNorm" in n]
    decayed = [p for n, p in named if not ("bias" in n or "LayerNorm" in n)]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}],
        lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    losses, norms = [], []
    for step in range(STEPS):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)))
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * min((step + 1) / 2, (STEPS - step) / 8)
        optimizer.step()
        losses.append(float(value.detach()))
    golden["train.losses"] = torch.tensor(losses)
    golden["train.grad_norms"] = torch.tensor(norms)
    return dict(
        cases=[case["id"] for case in batch], teacher=teacher.tolist(), labels=labels.tolist(), lambda_=0.5,
        lr="1e-3*min((s+1)/2,(10-s)/8)", betas=[0.9, 0.999], eps=1e-8, weight_decay=0.1,
        no_decay="bias and LayerNorm", clip=1.0, losses=losses, grad_norms=norms)


def build(folder, spm, seed, settings, trained=True, window=1024):
    folder.mkdir(parents=True, exist_ok=True)
    sp = sentencepiece.SentencePieceProcessor(model_file=str(spm))
    model = random_model(sp.get_piece_size(), seed, settings)
    model.save_pretrained(folder)
    write_tokenizer(folder, spm, window)
    golden = {}
    cases = judge(model, sp, window, golden)
    with open(folder / "cases.jsonl", "w") as file:
        for case in cases:
            file.write(json.dumps(case, ensure_ascii=False) + "\n")
    if trained:
        (folder / "training.json").write_text(json.dumps(train(model, cases, golden), indent=1))
    save_file({name: tensor.contiguous() for name, tensor in golden.items()}, folder / "golden.safetensors")
    print(folder, len(cases), "cases")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("spm", type=pathlib.Path, help="the sentencepiece model of all folders")
    arguments.add_argument("output", type=pathlib.Path)
    arguments = arguments.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # The file may stand in a folder that is about to be rewritten.
    copy = arguments.output / "spm.model.tmp"
    arguments.output.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(arguments.spm, copy)
    # The real thing in miniature.
    build(arguments.output / "v3-style", copy, 1, {})
    # Every other switch of relative attention.
    build(arguments.output / "c2p-only-unshared", copy, 2, dict(
        pos_att_type=["c2p"], share_att_key=False, norm_rel_ebd="none", position_buckets=-1,
        max_relative_positions=64))
    # Plain BERT.
    build(arguments.output / "absolute-positions", copy, 3, dict(
        relative_attention=False, position_biased_input=True, pos_att_type=[], max_position_embeddings=512,
        norm_rel_ebd="none"))
    # A window short enough that most texts must be cut.
    build(arguments.output / "v3-truncated", copy, 4, {}, trained=False, window=96)
    copy.unlink()


if __name__ == "__main__":
    main()
