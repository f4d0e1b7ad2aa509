#!/usr/bin/env python3
"""Counts the machine instructions of compiled kernels by kind: a measure that needs no GPU.

    sluice device --compile cubins --architectures sm_90
    python3 kernel_instructions.py cubins/attention-sm_90-*.cubin --kernel attention_fp16_64

Counts are of the code as it stands, each instruction once however often it runs. `nvdisasm` comes with
CUDA's toolkit, and with PyPI's triton (triton/backends/nvidia/bin).
"""

import argparse
import collections
import re
import subprocess

KINDS = [
    ("products", r"[HIQ]G?MMA"),
    ("matrix loads", r"LDSM"),
    ("shared memory", r"LDS|STS|ATOMS"),
    ("copies to it", r"LDGSTS"),
    ("device memory", r"LDG|STG|LD\b|ST\b|RED|ATOM"),
    ("local memory", r"LDL|STL"),
    ("special functions", r"MUFU|F2F\b|F2I|I2F"),
    ("shuffles", r"SHFL"),
    ("barriers", r"BAR|DEPBAR|LDGDEPBAR|WARPSYNC"),
    ("branches", r"BRA|BSSY|BSYNC|CALL|RET|EXIT"),
    ("floats", r"F[A-Z]+|HADD|HMUL|HFMA"),
]


def kind(instruction):
    return next((name for name, names in KINDS if re.match(names, instruction)), "integers, moves")


def kernels(text):
    """Each kernel's name and instructions."""
    for part in re.split(r"^\.text\.", text, flags=re.M)[1:]:
        name = part.split(":", 1)[0]
        yield name, re.findall(r"^\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+ )?([A-Z][A-Z0-9]*)", part, re.M)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cubins", nargs="+")
    parser.add_argument("--kernel", default="", help="only kernels whose names begin so")
    parser.add_argument("--nvdisasm", default="nvdisasm")
    options = parser.parse_args()
    columns = [name for name, _ in KINDS] + ["integers, moves"]
    for cubin in options.cubins:
        text = subprocess.run(
            [options.nvdisasm, "-c", cubin], capture_output=True, text=True, check=True
        ).stdout
        for name, instructions in kernels(text):
            if name.startswith(options.kernel):
                counts = collections.Counter(map(kind, instructions))
                listed = ", ".join(f"{column} {counts[column]}" for column in columns if counts[column])
                print(f"{name}: {len(instructions)}: {listed}")


if __name__ == "__main__":
    main()
