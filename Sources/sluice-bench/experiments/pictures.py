#!/usr/bin/env python3
"""Draws the pictures of docs/pictures: bars in groups, each from the JSON beside it.

    pictures.py docs/pictures/*.json

    {"title": "…", "unit": "AUPRC", "groups": ["OpenAI Moderation", …],
     "series": [{"name": "bundled guard", "values": [0.7, …], "low": [0.6, …], "high": [0.8, …]}]}

`low` and `high` are intervals and may be absent; a value may be null. Colours follow the reader's light or dark mode,
and differ in brightness, too.
"""

import json
import math
import sys
from html import escape

COLOURS = ["#2563b0", "#e08a1e", "#7a8a99", "#3a9d6e", "#a04a8c"]
WIDTH, LEFT, TOP, HEIGHT, FOOT = 820, 56, 64, 240, 44


def number_of(value, top):
    return f"{value:,.0f}" if top >= 10 else f"{value:.2f}"


def draw(chart):
    groups, series = chart["groups"], chart["series"]
    values = [v for s in series for v in s["values"] + s.get("high", []) if v is not None]
    scale = 10 ** math.floor(math.log10(max(values)))
    # The axis ends at a round number and has as many parts as make round ones.
    end, parts = next(
        (end, parts) for end, parts in ((1, 5), (2, 4), (4, 4), (5, 5), (6, 6), (8, 4), (10, 5))
        if end * scale >= max(values)
    )
    top = end * scale
    group_width = (WIDTH - LEFT - 12) / len(groups)
    bar = group_width * 0.8 / len(series)

    def y(value):
        return TOP + HEIGHT * (1 - value / top)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {TOP + HEIGHT + FOOT}" role="img">',
        f"<title>{escape(chart['title'])}</title>",
        "<style>text{font:13px system-ui,sans-serif;fill:#1c2733}.small{font-size:11px}.grid{stroke:#c9d1d9}"
        ".error{stroke:#1c2733}.head{font-weight:600}@media(prefers-color-scheme:dark){text{fill:#dde5ee}"
        ".grid{stroke:#3b4652}.error{stroke:#dde5ee}}</style>",
        f'<text class="head" x="{LEFT}" y="18">{escape(chart["title"])}</text>',
    ]
    x = LEFT
    for number, one in enumerate(series):
        lines.append(f'<rect x="{x}" y="30" width="12" height="12" fill="{COLOURS[number]}"/>')
        lines.append(f'<text x="{x + 17}" y="41">{escape(one["name"])}</text>')
        x += 36 + 6.5 * len(one["name"])
    for step in range(parts + 1):
        value = top * step / parts
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 12}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        lines.append(f'<text class="small" x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{number_of(value, top)}</text>')
    for place, group in enumerate(groups):
        start = LEFT + place * group_width + group_width * 0.1
        middle = start + group_width * 0.4
        for row, words in enumerate(group.split("\n")):
            lines.append(
                f'<text class="small" x="{middle:.1f}" y="{TOP + HEIGHT + 18 + 14 * row}" '
                f'text-anchor="middle">{escape(words)}</text>'
            )
        for number, one in enumerate(series):
            value = one["values"][place]
            if value is None:
                continue
            left = start + number * bar
            lines.append(
                f'<rect x="{left:.1f}" y="{y(value):.1f}" width="{bar * 0.9:.1f}" '
                f'height="{TOP + HEIGHT - y(value):.1f}" fill="{COLOURS[number]}">'
                f"<title>{escape(one['name'])}, {escape(group)}: {number_of(value, top)}</title></rect>"
            )
            if one.get("low") and one["low"][place] is not None:
                centre = left + bar * 0.45
                lines.append(
                    f'<line class="error" x1="{centre:.1f}" x2="{centre:.1f}" y1="{y(one["low"][place]):.1f}" '
                    f'y2="{y(one["high"][place]):.1f}"/>'
                )
    lines.append(f'<text class="small" x="{LEFT - 46}" y="{TOP - 8}">{escape(chart["unit"])}</text></svg>')
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            chart = json.load(file)
        with open(path.removesuffix(".json") + ".svg", "w", encoding="utf-8") as file:
            file.write(draw(chart))


if __name__ == "__main__":
    main()
