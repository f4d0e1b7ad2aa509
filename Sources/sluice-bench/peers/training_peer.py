"""Time what a user would otherwise run: a training of a random DeBERTa-v3 in PyTorch, fp32.

    pip install torch==2.13.0 transformers==4.57.6
    sluice-bench train --peer python3

`sluice-bench train` runs this script with its own lengths and prints both in one table. Token ids are
those of `LengthMix.swift`, in every step the same. Batches are padded as Hugging Face's trainer pads
them, but cut from sequences sorted by length, so that little is padding: at most --micro-batch-tokens
with the padding, or one sequence. AdamW is the fused one, the faster of PyTorch's.

Prints one line of JSON: seconds and processor seconds of each step, the peak of resident memory.
"""

import argparse
import json
import time

import torch

from cpu_peers import SIZES, random_model


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="small", choices=SIZES)
    parser.add_argument("--lengths", required=True, help="sequence lengths, separated by commas")
    parser.add_argument("--micro-batch-tokens", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--warm-up", type=int, default=1)
    return parser.parse_args()


def sequences(lengths, vocabulary):
    """The same pseudo-random ordinary pieces as LengthMix.sequences, with labels in turn."""
    state, result = 1, []
    for index, length in enumerate(lengths):
        ids = []
        for _ in range(length):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            ids.append(1000 + (state >> 33) % (vocabulary - 1001))
        result.append((ids, index % 2))
    return result


def micro_batches(examples, tokens_max):
    groups = []
    for ids, label in sorted(examples, key=lambda example: len(example[0])):
        if not groups or (len(groups[-1]) + 1) * len(ids) > tokens_max:
            groups.append([])
        groups[-1].append((ids, label))
    for group in groups:
        longest = max(len(ids) for ids, _ in group)
        x = torch.zeros(len(group), longest, dtype=torch.long)
        mask = torch.zeros_like(x)
        for row, (ids, _) in enumerate(group):
            x[row, : len(ids)] = torch.tensor(ids)
            mask[row, : len(ids)] = 1
        yield {"input_ids": x, "attention_mask": mask, "labels": torch.tensor([label for _, label in group])}


def peak_kilobytes():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


def main():
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(42)
    model = random_model(arguments.size).train()  # dropout is 0.1 everywhere by default
    examples = sequences([int(n) for n in arguments.lengths.split(",")], model.config.vocab_size)
    batches = list(micro_batches(examples, arguments.micro_batch_tokens))
    decaying = [p for name, p in model.named_parameters() if "LayerNorm" not in name and not name.endswith("bias")]
    others = [p for name, p in model.named_parameters() if "LayerNorm" in name or name.endswith("bias")]
    optimizer = torch.optim.AdamW(
        [{"params": decaying, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}], lr=3e-5, fused=True)
    seconds, processor_seconds = [], []
    for _ in range(arguments.warm_up + arguments.steps):
        start, work = time.perf_counter(), time.process_time()
        for batch in batches:
            loss = model(**batch).loss * (len(batch["labels"]) / len(examples))
            loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - start)
        processor_seconds.append(time.process_time() - work)
    print(json.dumps({
        "seconds": seconds[arguments.warm_up :], "processorSeconds": processor_seconds[arguments.warm_up :],
        "peakKilobytes": peak_kilobytes()}))


if __name__ == "__main__":
    main()
