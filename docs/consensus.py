#!/usr/bin/env python3
"""Draws consensus.svg: members in quorums, quorums in the chain, and the life of one dataset. `python3 docs/consensus.py`"""

from math import cos, pi, sin
from pathlib import Path

INK, SOFT, LINE = "#1b2733", "#5b6b7b", "#9aa8b5"
FILL = {"quorum": "#eef7ea", "chain": "#e3f0ff", "user": "#f3ecfb", "member": "#fff", "bad": "#ffd9d4"}


def text(x, y, words, kind="t"):
    return f'<text x="{x}" y="{y}" class="{kind}">{words}</text>'


def box(x, y, w, h, title, lines, kind):
    parts = [
        f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="8" fill="{FILL[kind]}" stroke="{LINE}"/>',
        text(x + w / 2, y + 22, title, "h"),
    ]
    return "".join(parts + [text(x + w / 2, y + 42 + 17 * i, line) for i, line in enumerate(lines)])


def quorum(x, y, name, bad=()):
    """Four members that all talk to each other."""
    places = [(x + 62 * cos(pi / 4 + i * pi / 2), y + 46 * sin(pi / 4 + i * pi / 2)) for i in range(4)]
    parts = [f'<ellipse cx="{x}" cy="{y}" rx="112" ry="84" fill="{FILL["quorum"]}" stroke="{LINE}"/>']
    parts += [
        f'<line x1="{a[0]:.0f}" y1="{a[1]:.0f}" x2="{b[0]:.0f}" y2="{b[1]:.0f}" stroke="{LINE}" stroke-dasharray="3 3"/>'
        for i, a in enumerate(places)
        for b in places[:i]
    ]
    for i, (cx, cy) in enumerate(places):
        fill = FILL["bad" if i in bad else "member"]
        parts.append(f'<circle cx="{cx:.0f}" cy="{cy:.0f}" r="17" fill="{fill}" stroke="{SOFT}"/>')
        parts.append(text(f"{cx:.0f}", f"{cy + 4:.0f}", f"m{i}"))
    return "".join(parts + [text(x, y - 92, name, "h")])


def arrow(x1, y1, x2, y2):
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{SOFT}" stroke-width="1.4" marker-end="url(#a)"/>'


def step(x, y, number, words):
    return f'<circle cx="{x}" cy="{y}" r="12" fill="{INK}"/>' + text(x, y + 4, number, "n") + text(x + 22, y + 4, words, "l")


def main():
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 980 790" font-family="Helvetica, Arial, sans-serif">',
        "<style>"
        f".h{{font-size:15px;font-weight:bold;text-anchor:middle;fill:{INK}}}"
        f".t{{font-size:12px;text-anchor:middle;fill:{SOFT}}}"
        f".l{{font-size:13px;fill:{INK}}}.n{{font-size:12px;text-anchor:middle;fill:#fff}}"
        f".s{{font-size:17px;font-weight:bold;fill:{INK}}}</style>",
        f'<defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L10 5L0 10z" fill="{SOFT}"/></marker></defs>',
        '<rect width="980" height="790" fill="#fff"/>',
        text(30, 34, "Two levels", "s"),
        quorum(170, 168, "quorum A: an iDAO"),
        quorum(430, 168, "quorum B", bad=(2,)),
        quorum(810, 168, "quorum Z"),
        text(620, 172, "…", "h"),
        box(130, 330, 720, 74, "the chain: seats of all quorums, apportioned by stake (D'Hondt)",
            ["simplex consensus on blocks; LazVM executes them", "certificates arrive as transactions and are verified by arithmetic alone"], "chain"),
        arrow(170, 254, 250, 328),
        arrow(430, 254, 430, 328),
        arrow(810, 254, 730, 328),
        text(262, 292, "certificate"),
        text(484, 292, "certificate"),
        text(720, 292, "seats"),
        text(30, 462, "The life of one dataset", "s"),
    ]
    steps = [
        "A publisher cuts the data into stripes and encodes each into n = 3f + 1 shards; any f + 1 restore it.",
        "Each member verifies and stores its shards, records the pledge to keep them, and votes Available once per version.",
        "Votes of more than two thirds of the weight are aggregated into one certificate: one signature and a bitmap.",
        "Members judge the content by their own policies and vote Valid, or stay silent. Nothing waits for them.",
        "The certificate enters the chain; a precompile or a contract verifies it with one pairing product.",
        "Readers and light clients request shards or single leaves and verify each against the root.",
        "In every epoch a beacon selects random leaves that each member must open; the outcome is one Audit certificate.",
        "Members that vote twice, fail an audit or certify a refuted result are slashed by evidence that anyone can verify.",
    ]
    parts += [step(46, 494 + 35 * i, i + 1, words) for i, words in enumerate(steps)]
    parts.append("</svg>\n")
    Path(__file__).with_suffix(".svg").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
