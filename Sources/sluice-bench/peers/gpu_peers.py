#!/usr/bin/env python3
"""What users would run on a GPU instead: DeBERTa classifiers on PyTorch, timed on the weights and
lengths of `sluice-bench gpu`, which calls this with --peer.

    python3 gpu_peers.py --model v3-large --lengths 128,512 --output peers.json
    python3 gpu_peers.py --model v3-large --lengths mix --mix-lengths lengths.txt --engines eager

Each engine is shown at its best batch size, of those that could be tried in --budget seconds. Tokens
are counted without padding; sequences are sorted by length before they are padded, and
disentangled-flash-packed does without padding. An engine that is not installed, or that fails, says why
in its row. Exit code 69 without CUDA.
"""

import argparse
import json
import statistics
import sys
import time
from types import SimpleNamespace

import torch

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}
ENGINES = ["eager", "compiled", "disentangled-flash", "disentangled-flash-packed", "flashdeberta"]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="a Hugging Face folder with weights")
    parser.add_argument("--lengths", default="128,512", help="workloads: lengths, or mix")
    parser.add_argument("--mix-lengths", help="a file of lengths, one a line")
    parser.add_argument("--tokens", type=int, default=65536, help="tokens of a workload, at least")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--dtypes", default="fp16", help="fp16, bf16 or both; they are equally fast")
    parser.add_argument(
        "--batches", default="64,32,128,16,256,8", help="sizes, the most promising first"
    )
    parser.add_argument(
        "--budget", type=float, default=15, help="seconds for each engine and workload, once warm"
    )
    parser.add_argument("--output", help="write the figures as JSON here, too")
    parser.add_argument("--cpu", action="store_true", help="try the script out, slowly")
    return parser.parse_args()


def workload(name, options, vocabulary):
    """Random token ids of at least `tokens` in all, sorted by length, the same for every engine."""
    if name == "mix":
        with open(options.mix_lengths) as file:
            lengths = [int(line) for line in file if line.strip()]
    else:
        lengths = [int(name)]
    repeated = []
    while sum(repeated) < options.tokens:
        repeated += lengths
    generator = torch.Generator().manual_seed(1)
    low = min(1000, vocabulary // 2)
    return [
        torch.randint(low, vocabulary, (length,), generator=generator)
        for length in sorted(repeated)
    ]


def batches(sequences, size, device, multiple):
    """Padded ids and masks; lengths rounded up to a multiple."""
    result = []
    for start in range(0, len(sequences), size):
        some = sequences[start : start + size]
        longest = (max(len(ids) for ids in some) + multiple - 1) // multiple * multiple
        ids = torch.zeros(len(some), longest, dtype=torch.long)
        mask = torch.zeros(len(some), longest, dtype=torch.long)
        for row, sequence in enumerate(some):
            ids[row, : len(sequence)] = sequence
            mask[row, : len(sequence)] = 1
        result.append((ids.to(device), mask.to(device)))
    return result


class Bucketed(torch.nn.Module):
    """A classifier on disentangled-flash's encoder for padded batches, whose length it must be told."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        self.model.deberta.encoder.activate_shape(input_ids.shape[1])
        return self.model(input_ids=input_ids, attention_mask=attention_mask)


class Packed(torch.nn.Module):
    """A classifier on disentangled-flash's encoder for packed tokens; padding is taken off first."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        from disentangled_flash import pack_padded_with_info

        tokens, boundaries, info = pack_padded_with_info(input_ids[..., None], attention_mask)
        deberta = self.model.deberta
        states = deberta.embeddings(input_ids=tokens[:, 0][None])[0]
        states = deberta.encoder.forward_packed(
            states, boundaries, info.max_seqlen, output_hidden_states=False, packed_info=info
        ).last_hidden_state
        firsts = states[boundaries[:-1].long()][:, None]
        return SimpleNamespace(logits=self.model.classifier(self.model.pooler(firsts)))


def load(engine, folder, dtype, device):
    """The model as the engine wants it, and the multiple that its lengths are rounded up to."""
    from transformers import DebertaV2ForSequenceClassification

    family = DebertaV2ForSequenceClassification
    if engine == "flashdeberta":
        from flashdeberta import FlashDebertaV2ForSequenceClassification as family
    model = family.from_pretrained(folder, dtype=dtype).to(device).eval()
    if engine.startswith("disentangled-flash"):
        from disentangled_flash import optimize_deberta

        backend = {} if device == "cuda" else {"backend": "torch"}
        optimize_deberta(model.deberta, sequence_lengths=range(64, 513, 64), **backend)
    if engine == "disentangled-flash":
        return Bucketed(model), 64
    if engine == "disentangled-flash-packed":
        return Packed(model), 1
    if engine == "compiled":
        # Compiled once for all shapes: one at a time it would take longer than the measurement.
        return torch.compile(model, dynamic=True), 64
    return model, 1


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def time_pass(model, padded, device):
    """Seconds of one pass over all batches."""
    synchronize(device)
    start = time.monotonic()
    for ids, mask in padded:
        model(input_ids=ids, attention_mask=mask)
    synchronize(device)
    return time.monotonic() - start


def best_rate(model, sequences, options, device, multiple):
    """Real tokens a second and the batch size they are for: sizes are tried with one pass each after a
    warm-up of every shape, until the budget is used up; the best is then timed five times."""
    tokens = sum(len(ids) for ids in sequences)
    tried = {}
    end = time.monotonic() + options.budget
    for size in map(int, options.batches.split(",")):
        try:
            padded = batches(sequences, size, device, multiple)
            start = time.monotonic()
            time_pass(model, padded, device)
            if not tried:  # the first pass of all compiles, which is not part of the budget
                end += time.monotonic() - start
            tried[size] = time_pass(model, padded, device)
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
        if time.monotonic() > end:
            break
    size = min(tried, key=tried.get)
    padded = batches(sequences, size, device, multiple)
    times = [time_pass(model, padded, device) for _ in range(5)]
    return tokens / statistics.median(times), size


def probabilities(model, sequences, device, multiple=1):
    results = []
    for ids, mask in batches(sequences, 8, device, multiple):
        logits = model(input_ids=ids, attention_mask=mask).logits.float()
        results += torch.softmax(logits, dim=-1)[:, 1].tolist()
    return results


def median_time(function, repetitions=10):
    function()
    times = []
    for _ in range(repetitions):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        function()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / 1000)
    return statistics.median(times)


def peaks():
    """What the GPU does at best, through PyTorch: products in TFLOP/s, copies in TB/s."""
    size, found = 8192, {}
    for name, dtype in DTYPES.items():
        left, right = (torch.randn(size, size, device="cuda", dtype=dtype) for _ in range(2))
        found[f"{name}_tflops"] = 2 * size**3 / median_time(lambda: left @ right) / 1e12
    source = torch.empty(1 << 30, dtype=torch.uint8, device="cuda").random_()
    target = torch.empty_like(source)
    found["copy_tb"] = 2 * source.numel() / median_time(lambda: target.copy_(source)) / 1e12
    return found


@torch.inference_mode()
def main():
    options = arguments()
    device = "cpu" if options.cpu else "cuda"
    if device == "cuda" and not torch.cuda.is_available():
        print("PyTorch finds no CUDA here; --cpu tries the script out", file=sys.stderr)
        sys.exit(69)
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    report = {"device": name, "torch": torch.__version__, "rows": []}
    if device == "cuda":
        report["peaks"] = peaks()
        print(", ".join(f"{key} {value:.1f}" for key, value in report["peaks"].items()))
    reference, _ = load("eager", options.model, torch.float32, device)
    vocabulary = reference.config.vocab_size
    loads = {name: workload(name, options, vocabulary) for name in options.lengths.split(",")}
    compared = [ids for sequences in loads.values() for ids in sequences[:: len(sequences) // 8 or 1]]
    expected = probabilities(reference, compared[:32], device)
    del reference
    print(f"{'engine':27}{'dtype':7}{'workload':10}{'batch':>7}{'tokens/s':>12}{'ΔP max':>9}")
    for engine in options.engines.split(","):
        for dtype in options.dtypes.split(","):
            rows = measure(engine, dtype, loads, compared[:32], expected, options, device)
            report["rows"] += rows
            for row in rows:
                figures = (
                    f"{row['batch']:>7}{row['tokens_per_second']:>12.0f}{row['difference']:>9.4f}"
                    if "error" not in row
                    else "  " + row["error"]
                )
                print(f"{engine:27}{dtype:7}{row['workload']:10}{figures}", flush=True)
    if options.output:
        with open(options.output, "w") as file:
            json.dump(report, file, indent=1)


def measure(engine, dtype, loads, compared, expected, options, device):
    rows = []
    try:
        model, multiple = load(engine, options.model, DTYPES[dtype], device)
        found = probabilities(model, compared, device, multiple)
        difference = max(abs(a - b) for a, b in zip(found, expected))
    except Exception as error:  # whatever a peer does, the others go on
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return [
            {"engine": engine, "dtype": dtype, "workload": name, "error": reason} for name in loads
        ]
    for name, sequences in loads.items():
        row = {"engine": engine, "dtype": dtype, "workload": name}
        try:
            speed, size = best_rate(model, sequences, options, device, multiple)
            row |= {"tokens_per_second": speed, "batch": size, "difference": difference}
        except Exception as error:
            row["error"] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        rows.append(row)
    del model
    if device == "cuda":
        torch.compiler.reset()
        torch.cuda.empty_cache()
    return rows


if __name__ == "__main__":
    main()
