#!/usr/bin/env python3
"""Draws call.svg: what happens when a contract asks a model. `python3 docs/call.py`"""

from pathlib import Path

INK, SOFT, LINE = "#1b2733", "#5b6b7b", "#c3ced8"
FILL = {"contract": "#f3ecfb", "vm": "#eef7ea", "port": "#e3f0ff", "device": "#fff1df"}
WIDTH, TOP, STEP = 980, 96, 46

# Title, subtitle, x, kind.
LANES = [
    ("contract", "Solidity", 110, "contract"),
    ("lazvm", "revm, the meter", 300, "vm"),
    ("lazai-precompiles", "ABI, charging", 500, "vm"),
    ("lazai-gas", "GasPricing", 690, "port"),
    ("lazai-coprocessor", "Coprocessor", 870, "device"),
]

# From lane, to lane, text, whether it is an answer.
MESSAGES = [
    (0, 1, "call 0x…a10001(prompt)", False),
    (1, 2, "bytes, gas limit", False),
    (2, 2, "charge gamma and the length of the input", False),
    (2, 4, "prepare(job)", False),
    (4, 2, "quote: FLOPs and peak bytes, from shapes alone", True),
    (2, 3, "gas(work)", False),
    (3, 2, "ceil(α · FLOPs) + γ + ceil(β · bytes)", True),
    (2, 2, "charge the quote, or halt out of gas", False),
    (2, 4, "run", False),
    (4, 2, "the same bytes on every machine", True),
    (2, 1, "answer, unused gas back", True),
    (1, 0, "answer, or a typed revert", True),
]


def lane(title, subtitle, x, kind, bottom):
    return (
        f'<line x1="{x}" y1="64" x2="{x}" y2="{bottom}" stroke="{LINE}" stroke-width="1.4"/>'
        f'<rect x="{x - 84}" y="14" width="168" height="50" rx="8" fill="{FILL[kind]}" stroke="{LINE}"/>'
        f'<text x="{x}" y="36" class="h">{title}</text><text x="{x}" y="54" class="t">{subtitle}</text>'
    )


def message(number, y, source, target, text, is_answer):
    a, b = LANES[source][2], LANES[target][2]
    dash = ' stroke-dasharray="5 4"' if is_answer else ""
    label = f'<tspan class="n">{number}</tspan>  {text}'
    if a == b:
        path = f"M{a} {y - 8}h26v16h-22"
        return (
            f'<path d="{path}" fill="none" stroke="{INK}" stroke-width="1.4" marker-end="url(#a)"/>'
            f'<text x="{a + 36}" y="{y + 4}" class="l">{label}</text>'
        )
    end = b - 2 if b > a else b + 2
    return (
        f'<line x1="{a}" y1="{y}" x2="{end}" y2="{y}" stroke="{INK}" stroke-width="1.4"{dash} marker-end="url(#a)"/>'
        f'<text x="{(a + b) / 2}" y="{y - 7}" class="m">{label}</text>'
    )


def main():
    bottom = TOP + STEP * len(MESSAGES)
    height = bottom + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="Helvetica, Arial, sans-serif">',
        "<style>"
        f".h{{font-size:14px;font-weight:bold;text-anchor:middle;fill:{INK}}}"
        f".t{{font-size:12px;text-anchor:middle;fill:{SOFT}}}"
        f".l,.m{{font-size:12.5px;fill:{INK};paint-order:stroke;stroke:#fff;stroke-width:5px}}"
        f".m{{text-anchor:middle}}.n{{font-weight:bold;fill:{SOFT}}}</style>",
        '<defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0L10 5L0 10z" fill="{INK}"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    parts += [lane(*place, bottom) for place in LANES]
    for index, (source, target, text, is_answer) in enumerate(MESSAGES):
        parts.append(message(index + 1, TOP + STEP * index, source, target, text, is_answer))
    parts.append("</svg>\n")
    Path(__file__).with_suffix(".svg").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
