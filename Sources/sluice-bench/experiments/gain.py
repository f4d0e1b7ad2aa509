#!/usr/bin/env python3
"""Rows and tables of harmaug_gain.sh.

    gain.py rows --taught taught.jsonl --output work    # 3,000 rows with 0, 400 and all invented ones, and without empty
    gain.py table --output work                         # from work/VARIANT-SEED.report/report.json

Intervals are those of Student's t over the seeds' paired differences, 95 %.
"""

import argparse
import glob
import hashlib
import json
import math
import re

from teachers import rows_of, write

BASE_ROWS = 3000
SIZES = {"0": 0, "400": 400, "all": None}
SETS = ("openai-moderation", "toxicchat", "harmbench")
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}


def order(row):
    text = row["prompt"] + "\0" + (row.get("response") or "")
    return hashlib.sha256(("gain" + text).encode("utf-8", "surrogatepass")).digest()


def rows(options):
    taught = rows_of([options.taught])
    invented = [row for row in taught if row["source"].startswith("augment-")]
    given = [row for row in taught if not row["source"].startswith(("augment-", "contrast-"))]
    base = sorted(given, key=order)[:BASE_ROWS]
    print(f"{len(given)} rows, of which {len(base)} are the base; {len(invented)} invented ones")
    # In the order in which they were invented, so that the three rows of an instruction stay together.
    for name, size in SIZES.items():
        write(f"{options.output}/rows-{name}.jsonl", base + invented[:size])
    kinds = [row for row in invented if "-empty" not in row["source"]]
    write(f"{options.output}/no-empty.jsonl", base + kinds)


def figures(path):
    with open(path, encoding="utf-8") as file:
        sets = json.load(file)["sets"]
    result = {(name, metric): sets[name][metric] for name in SETS for metric in ("f1", "auprc")}
    for metric in ("f1", "auprc"):
        result["average", metric] = sum(sets[name][metric] for name in SETS) / len(SETS)
    result["xstest", "falsePositiveRate"] = sets["xstest"]["falsePositiveRate"]
    return result


def mean(values):
    return sum(values) / len(values)


def deviation(values):
    return math.sqrt(sum((v - mean(values)) ** 2 for v in values) / (len(values) - 1))


def short(value, sign=""):
    return f"{value:{sign}.3f}".replace("0.", ".", 1)


def table(options):
    found = {}
    for path in glob.glob(f"{options.output}/*.report/report.json"):
        variant, seed = re.fullmatch(r"(.+)-(\d+)\.report", path.split("/")[-2]).groups()
        found.setdefault(variant, {})[seed] = figures(path)
    reference = found["rows-0"]
    columns = [(name, metric) for name in SETS + ("average",) for metric in ("f1", "auprc")]
    print("| variant | seeds |" + "".join(f" {n} F1/AUPRC |" for n in SETS + ("average",))
          + " XSTest false positives | average AUPRC against rows-0 |")
    print("|---|---|" + "---|" * (len(SETS) + 3))
    for variant in sorted(found):
        seeds = found[variant]

        def cell(column):
            values = [f[column] for f in seeds.values()]
            return short(mean(values)) + (f" ± {short(deviation(values))}" if len(values) > 1 else "")

        cells = [f"{cell(columns[i])} / {cell(columns[i + 1])}" for i in range(0, len(columns), 2)]
        pairs = [seeds[s]["average", "auprc"] - reference[s]["average", "auprc"] for s in seeds if s in reference]
        gain = short(mean(pairs), "+") if pairs else "–"
        if len(pairs) > 1:
            half = T_95[len(pairs)] * deviation(pairs) / math.sqrt(len(pairs))
            gain += f" ({short(mean(pairs) - half, '+')} to {short(mean(pairs) + half, '+')})"
        print(f"| {variant} | {len(seeds)} | " + " | ".join(cells)
              + f" | {cell(('xstest', 'falsePositiveRate'))} | {gain} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    for name, action in (("rows", rows), ("table", table)):
        command = commands.add_parser(name)
        command.set_defaults(action=action)
        command.add_argument("--output", required=True)
        if name == "rows":
            command.add_argument("--taught", required=True)
    options = parser.parse_args()
    options.action(options)


if __name__ == "__main__":
    main()
