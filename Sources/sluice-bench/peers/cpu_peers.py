"""Time what a user would otherwise run: PyTorch, ONNX Runtime and OpenVINO on a random DeBERTa-v3.

    pip install torch==2.13.0 transformers==4.57.6 onnx onnxruntime onnxscript openvino nncf
    python cpu_peers.py --size base --data exchanges.jsonl --export /tmp/base
    sluice-bench engine --model /tmp/base --data exchanges.jsonl

Both choose the same lengths from the data. Prints real (unpadded) tokens per second for sorted batches
of 8 and for single sequences, the best of --repeats runs, and what single sequences of 64, 128 and 512
tokens take, of --turns.
Engines: hf32 hfbf16 hfcompile ort32 ort8 ov32 ovbf16 ov8; onednn is the speed of oneDNN's bf16 product
alone, of the shape that `sluice-bench engine` takes for its own.
"""

import argparse
import json
import os
import tempfile
import time

import numpy as np
import torch
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification
from transformers.models.deberta_v2 import modeling_deberta_v2

# hidden, layers, heads, intermediate
SIZES = {
    "xsmall": (384, 12, 6, 1536), "small": (768, 6, 12, 3072), "base": (768, 12, 12, 3072),
    "large": (1024, 24, 16, 4096)}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="base", choices=SIZES)
    parser.add_argument("--engines", default="hf32,ort32,ort8,ov32,ovbf16")
    parser.add_argument("--data", help="JSON lines with prompt and response, whose lengths to use")
    parser.add_argument("--lengths", help="sequence lengths instead, separated by commas")
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--turns", type=int, default=20, help="0 leaves the latencies out")
    parser.add_argument("--export", help="write the model here in Hugging Face layout")
    parser.add_argument("--work", default=tempfile.gettempdir(), help="folder for converted models")
    return parser.parse_args()


def random_model(size):
    hidden, layers, heads, intermediate = SIZES[size]
    torch.manual_seed(0)
    return DebertaV2ForSequenceClassification(DebertaV2Config(
        vocab_size=128100, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=intermediate, max_position_embeddings=512, type_vocab_size=0, layer_norm_eps=1e-7,
        relative_attention=True, max_relative_positions=-1, position_buckets=256, norm_rel_ebd="layer_norm",
        share_att_key=True, pos_att_type=["p2c", "c2p"], position_biased_input=False, pooler_dropout=0,
        pooler_hidden_act="gelu", pooler_hidden_size=hidden, num_labels=2, pad_token_id=0)).eval()


def read_lengths(path, rows):
    """Spread evenly over the file: 4.2 characters a token, three control tokens, at most 512."""
    with open(path) as file:
        lines = [line for line in file if line.strip()]
    chosen = [json.loads(line) for line in lines[:: max(1, len(lines) // rows)][:rows]]
    return [max(8, min(512, int((len(r["prompt"]) + len(r["response"] or "")) / 4.2) + 3)) for r in chosen]


class Stopwatch:
    def __init__(self, lengths, repeats, turns):
        random = np.random.default_rng(0)
        self.ids = sorted((random.integers(1000, 128000, n) for n in lengths), key=len)
        self.repeats = repeats
        self.turns = turns

    def once(self, run, batch):
        start = time.perf_counter()
        for k in range(0, len(self.ids), batch):
            part = self.ids[k : k + batch]
            x = np.zeros((len(part), max(map(len, part))), np.int64)
            mask = np.zeros_like(x)
            for row, ids in enumerate(part):
                x[row, : len(ids)] = ids
                mask[row, : len(ids)] = 1
            run(x, mask)
        return sum(map(len, self.ids)) / (time.perf_counter() - start)

    def report(self, name, run):
        warm_up = np.ones((1, 16), np.int64)
        run(warm_up, warm_up)
        eights, single = (max(self.once(run, n) for _ in range(self.repeats)) for n in (8, 1))
        print(f"{name:14s} sorted batches of 8: {eights:8.1f}  single sequences: {single:8.1f} tokens/s", flush=True)
        for length in (64, 128, 512) if self.turns else ():
            x = np.full((1, length), 1000, np.int64)
            times = []
            for _ in range(self.turns):
                start = time.perf_counter()
                run(x, np.ones_like(x))
                times.append(1000 * (time.perf_counter() - start))
            times.sort()
            print(f"{name:14s} one sequence of {length} tokens: {times[len(times) // 2]:.1f} ms p50,"
                  f" {times[len(times) * 99 // 100]:.1f} ms p99", flush=True)


def torch_runner(model):
    def run(x, mask):
        with torch.inference_mode():
            model(input_ids=torch.from_numpy(x), attention_mask=torch.from_numpy(mask))
    return run


def export_onnx(model, path):
    if not os.path.exists(path):
        # Queries and keys are equally many, so this is the function's only branch; scripted, it would
        # become an `If` that OpenVINO does not compile.
        modeling_deberta_v2.build_rpos = lambda query, key, relative_pos, *_: relative_pos
        x = torch.ones(2, 32, dtype=torch.long)
        axes = {0: "b", 1: "s"}
        torch.onnx.export(
            model, (x, x), path, input_names=["input_ids", "attention_mask"], output_names=["logits"],
            opset_version=17, dynamo=False, dynamic_axes={"input_ids": axes, "attention_mask": axes})


def onnx_runner(path, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x, mask: session.run(None, {"input_ids": x, "attention_mask": mask})


def quantised(path, large):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    result = path.replace(".onnx", ".int8.onnx")
    if not os.path.exists(result):
        quantize_dynamic(path, result, weight_type=QuantType.QInt8, use_external_data_format=large)
    return result


def quantised_for_openvino(path, watch):
    """What OpenVINO's own tool makes of the model: activations and weights in 8 bits."""
    import nncf
    import openvino
    result = path.replace(".onnx", ".openvino-int8.xml")
    if not os.path.exists(result):
        nncf.set_log_level(40)
        samples = [[ids[None, :], np.ones((1, len(ids)), np.int64)] for ids in watch.ids]
        model = nncf.quantize(
            openvino.Core().read_model(path), nncf.Dataset(samples), subset_size=len(samples),
            model_type=nncf.ModelType.TRANSFORMER)
        openvino.save_model(model, result, compress_to_fp16=False)
    return result


def report_product(size):
    """oneDNN's bf16 product (1024, hidden) x (hidden, intermediate) by way of PyTorch."""
    hidden, _, _, intermediate = SIZES[size]
    layer = torch.nn.Linear(hidden, intermediate, bias=False).to(torch.bfloat16)
    rows = torch.randn(1024, hidden).to(torch.bfloat16)
    best = float("inf")
    with torch.inference_mode():
        for _ in range(40):
            start = time.perf_counter()
            layer(rows)
            best = min(best, time.perf_counter() - start)
    print(f"oneDNN bf16 product alone: {2 * 1024 * hidden * intermediate / best / 1e9:.0f} GFLOP/s", flush=True)


def openvino_runner(path, threads, precision):
    import openvino
    core = openvino.Core()
    core.set_property("CPU", {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision})
    compiled = core.compile_model(path, "CPU")
    return lambda x, mask: compiled([x, mask])


def main():
    arguments = parse()
    engines = arguments.engines.split(",")
    torch.set_num_threads(arguments.threads)
    model = random_model(arguments.size)
    if arguments.export:
        model.save_pretrained(arguments.export)
    lengths = ([int(n) for n in arguments.lengths.split(",")] if arguments.lengths
               else read_lengths(arguments.data, arguments.rows))
    print(f"{arguments.size}: {len(lengths)} sequences, {sum(lengths)} tokens, {arguments.threads} threads", flush=True)
    watch = Stopwatch(lengths, arguments.repeats, arguments.turns)
    if "hf32" in engines:
        watch.report("PyTorch fp32", torch_runner(model))
    if "hfcompile" in engines:
        watch.report("PyTorch compiled", torch_runner(torch.compile(model, dynamic=True)))
    onnx = os.path.join(arguments.work, f"deberta-{arguments.size}.onnx")
    if any(engine.startswith(("ort", "ov")) for engine in engines):
        export_onnx(model, onnx)
    if "ort32" in engines:
        watch.report("ORT fp32", onnx_runner(onnx, arguments.threads))
    if "ort8" in engines:
        watch.report("ORT int8", onnx_runner(quantised(onnx, arguments.size == "large"), arguments.threads))
    for engine, precision in (("ov32", "f32"), ("ovbf16", "bf16")):
        if engine in engines:
            watch.report("OpenVINO " + precision, openvino_runner(onnx, arguments.threads, precision))
    if "ov8" in engines:
        watch.report("OpenVINO int8", openvino_runner(quantised_for_openvino(onnx, watch), arguments.threads, "f32"))
    if "onednn" in engines:
        report_product(arguments.size)
    if "hfbf16" in engines:
        watch.report("PyTorch bf16", torch_runner(model.to(torch.bfloat16)))


if __name__ == "__main__":
    main()
