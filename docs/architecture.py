#!/usr/bin/env python3
"""Draws architecture.svg: the crates and who knows whom, and the way of one call. `python3 docs/architecture.py`"""

from pathlib import Path

INK, SOFT, LINE = "#1b2733", "#5b6b7b", "#9aa8b5"
FILL = {"port": "#e3f0ff", "core": "#eef7ea", "heavy": "#fff1df", "user": "#f3ecfb"}


def box(x, y, w, h, title, text, kind):
    lines = "".join(
        f'<text x="{x + w / 2}" y="{y + 44 + 17 * i}" class="t">{line}</text>' for i, line in enumerate(text)
    )
    return (
        f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="8" fill="{FILL[kind]}" stroke="{LINE}"/>'
        f'<text x="{x + w / 2}" y="{y + 24}" class="h">{title}</text>{lines}'
    )


def arrow(x1, y1, x2, y2):
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{SOFT}" stroke-width="1.4" marker-end="url(#a)"/>'


def step(x, y, number, text):
    return (
        f'<circle cx="{x}" cy="{y}" r="12" fill="{INK}"/><text x="{x}" y="{y + 4}" class="n">{number}</text>'
        f'<text x="{x + 22}" y="{y + 4}" class="l">{text}</text>'
    )


def main():
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 980 760" font-family="Helvetica, Arial, sans-serif">',
        "<style>"
        f".h{{font-size:15px;font-weight:bold;text-anchor:middle;fill:{INK}}}"
        f".t{{font-size:12px;text-anchor:middle;fill:{SOFT}}}"
        f".l{{font-size:13px;fill:{INK}}}.n{{font-size:12px;text-anchor:middle;fill:#fff}}"
        f".s{{font-size:17px;font-weight:bold;fill:{INK}}}</style>",
        f'<defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L10 5L0 10z" fill="{SOFT}"/></marker></defs>',
        '<rect width="980" height="760" fill="#fff"/>',
        '<text x="30" y="34" class="s">Crates: an arrow points at what a crate knows</text>',
        box(300, 56, 380, 84, "lazai-api-types", ["ids, jobs, work, statements, OpenAI types", "ports: Coprocessor, ProofVerifier, DataSource"], "port"),
        box(30, 200, 210, 84, "lazai-gas", ["GasAI, GasInference, P * T", "EIP-1559, governance"], "core"),
        box(260, 200, 210, 84, "lazai-precompiles", ["ABI, charging, typed errors", "no EVM"], "core"),
        box(490, 200, 250, 84, "lazai-coprocessor", ["integer programs, kernels, artifact", "quantizer"], "heavy"),
        box(760, 200, 190, 84, "lazai-consensus", ["quorums, certificates, data", "engine (feature)"], "heavy"),
        box(145, 340, 210, 70, "lazvm", ["revm, alloy-evm, settlement"], "core"),
        box(490, 340, 250, 70, "examples", ["quickstart, storyteller, quorum"], "user"),
        arrow(135, 200, 330, 142),
        arrow(365, 200, 430, 142),
        arrow(615, 200, 570, 142),
        arrow(855, 200, 682, 130),
        arrow(740, 352, 830, 286),
        arrow(220, 340, 150, 286),
        arrow(285, 340, 350, 286),
        arrow(490, 372, 357, 372),
        arrow(615, 340, 615, 286),
        '<text x="30" y="462" class="s">One call</text>',
    ]
    steps = [
        "A contract calls 0x…a10001 with an ABI-encoded request.",
        "lazvm hands the bytes, the gas limit and the prices to lazai-precompiles.",
        "gamma and the reading of the input are charged by length; too little gas halts here.",
        "The coprocessor quotes: tokens, FLOPs and peak bytes from shapes. No tensor work yet.",
        "lazai-gas turns work into gas. More than the frame has: halt. Else it is charged.",
        "The interpreter runs the integer program in planned memory; every machine gets the same bytes.",
        "Work of unused tokens comes back; the answer is ABI-encoded; a rejection is a typed revert.",
        "After the transaction each resource settles at its own base fee; a node's fault never becomes a receipt.",
    ]
    parts += [step(46, 494 + 33 * i, i + 1, text) for i, text in enumerate(steps)]
    parts.append("</svg>\n")
    Path(__file__).with_suffix(".svg").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
