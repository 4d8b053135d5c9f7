#!/usr/bin/env python3
"""Draws architecture.svg: the crates and their dependencies, and the path of one call. `python3 docs/architecture.py`"""

from pathlib import Path

INK, SOFT, LINE = "#1b2733", "#5b6b7b", "#9aa8b5"
FILL = {"port": "#e3f0ff", "core": "#eef7ea", "heavy": "#fff1df", "user": "#f3ecfb"}


def box(x, y, w, h, title, text, kind):
    lines = "".join(
        f'<text x="{x + w / 2}" y="{y + 41 + 16 * i}" class="t">{line}</text>' for i, line in enumerate(text)
    )
    return (
        f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="8" fill="{FILL[kind]}" stroke="{LINE}"/>'
        f'<text x="{x + w / 2}" y="{y + 22}" class="h">{title}</text>{lines}'
    )


def folder(x, y, w, h, name):
    return (
        f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="10" fill="none" stroke="{LINE}" stroke-dasharray="5 4"/>'
        f'<text x="{x + 12}" y="{y + h - 10}" class="f">{name}</text>'
    )


def arrow(x1, y1, x2, y2, is_optional=False):
    dash = ' stroke-dasharray="4 3"' if is_optional else ""
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{SOFT}" stroke-width="1.4"{dash} '
        'marker-end="url(#a)"/>'
    )


def step(x, y, number, text):
    return (
        f'<circle cx="{x}" cy="{y}" r="12" fill="{INK}"/><text x="{x}" y="{y + 4}" class="n">{number}</text>'
        f'<text x="{x + 22}" y="{y + 4}" class="l">{text}</text>'
    )


def main():
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1280 1000" font-family="Helvetica, Arial, sans-serif">',
        "<style>"
        f".h{{font-size:12.5px;font-weight:bold;text-anchor:middle;fill:{INK}}}"
        f".t{{font-size:11px;text-anchor:middle;fill:{SOFT}}}"
        f".f{{font-size:11px;font-style:italic;fill:{SOFT}}}"
        f".l{{font-size:13px;fill:{INK}}}.n{{font-size:12px;text-anchor:middle;fill:#fff}}"
        f".s{{font-size:17px;font-weight:bold;fill:{INK}}}</style>",
        f'<defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L10 5L0 10z" fill="{SOFT}"/></marker></defs>',
        '<rect width="1280" height="1000" fill="#fff"/>',
        '<text x="30" y="34" class="s">Crates: an arrow points at a dependency, a dashed arrow at an optional one</text>',
        box(440, 56, 400, 80, "lazai-api-types",
            ["ids, jobs, work, statements, blocks", "ports: Coprocessor, ProofVerifier, DataSource, BlockExecutor"],
            "port"),
        folder(75, 312, 260, 232, "lazvm"),
        folder(395, 190, 480, 340, "lazai-coprocessor"),
        folder(895, 190, 355, 454, "lazai-consensus"),
        # What needs the vocabulary alone.
        box(30, 202, 165, 78, "lazai-gas", ["the three formulas,", "fee rules, governance"], "core"),
        box(212, 202, 165, 78, "lazai-precompiles", ["ABI, charging,", "typed errors; no EVM"], "core"),
        box(407, 202, 128, 78, "lazai-zkvm", ["Groth16 and PLONK", "of zkVMs"], "heavy"),
        box(545, 202, 118, 78, "lazai-halo2", ["verifier; prover", "as a feature"], "heavy"),
        box(703, 202, 160, 78, "lazai-coprocessor", ["programs, kernels,", "artifacts, generation"], "heavy"),
        box(960, 202, 225, 78, "lazai-consensus", ["committees, certificates,", "evidence, types of the chain"], "heavy"),
        arrow(160, 202, 452, 138),
        arrow(330, 202, 500, 138),
        arrow(480, 202, 555, 138),
        arrow(604, 202, 615, 138),
        arrow(770, 202, 730, 138),
        arrow(1020, 202, 828, 138),
        arrow(663, 241, 701, 241, is_optional=True),
        # What stands on it.
        box(90, 326, 230, 78, "lazvm", ["revm and alloy-evm with the", "precompiles, meter and settlement"], "core"),
        arrow(150, 326, 125, 282),
        arrow(255, 326, 280, 282),
        box(90, 432, 230, 78, "lazvm-executor", ["executes blocks of the chain:", "state, pool, journal, snapshots"], "core"),
        arrow(205, 432, 205, 406),
        box(407, 326, 128, 78, "lazai-trainer", ["trains with burn;", "no dependency here"], "heavy"),
        box(545, 326, 140, 78, "lazai-determinism", ["circuits have", "one witness"], "heavy"),
        arrow(604, 326, 604, 282),
        arrow(672, 326, 716, 282),
        box(755, 326, 108, 78, "lazai-chat", ["chats as prompts:", "templates"], "heavy"),
        arrow(809, 326, 809, 282),
        box(703, 432, 160, 78, "lazai-models", ["GGUF, checkpoints,", "quantizer, f32 reference"], "heavy"),
        arrow(729, 432, 729, 282),
        arrow(809, 432, 809, 406, is_optional=True),
        box(905, 326, 165, 78, "lazai-availability", ["coding, openings,", "audits, shard stores"], "heavy"),
        box(1078, 326, 165, 78, "lazai-simplex", ["the chain's engine,", "on commonware"], "heavy"),
        arrow(990, 326, 1030, 282),
        arrow(1158, 326, 1118, 282),
        box(905, 432, 165, 78, "lazai-quorum", ["the member's protocol,", "sans-I/O"], "heavy"),
        box(1078, 432, 165, 78, "lazai-simulation", ["seeded clusters, faults,", "checker"], "heavy"),
        arrow(988, 432, 988, 406),
        arrow(1158, 432, 1158, 406),
        box(905, 538, 165, 78, "lazai-quorum-network", ["members over TCP"], "heavy"),
        arrow(988, 538, 988, 512),
        box(395, 546, 480, 78, "examples",
            ["quickstart, gas-calibration, lazai-model, prove-inference,",
             "quorum, storyteller, swap-proof-system: compose everything"],
            "user"),
        '<text x="30" y="694" class="s">One call</text>',
    ]
    steps = [
        "A contract calls 0x…a10001 with an ABI-encoded request.",
        "lazvm passes the bytes, the gas limit and the prices to lazai-precompiles.",
        "Gamma and the reading of the input are charged by length; too little gas halts here.",
        "The coprocessor quotes tokens, FLOPs and peak bytes from shapes. No tensor work yet.",
        "lazai-gas turns work into gas. If it exceeds the gas of the frame, the call halts; else it is charged.",
        "The executor runs the integer program in planned memory; every machine gets the same bytes.",
        "The work of unused tokens is refunded; the answer is ABI-encoded; a rejection is a typed revert.",
        "After the transaction each resource settles at its own base fee; a node's fault never becomes a receipt.",
    ]
    parts += [step(46, 726 + 33 * i, i + 1, text) for i, text in enumerate(steps)]
    parts.append("</svg>\n")
    Path(__file__).with_suffix(".svg").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
