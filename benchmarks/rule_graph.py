"""Draw the rules of the workflow as an SVG: which rule needs what which other rule gives.

    .venv/bin/snakemake --rulegraph … | .venv/bin/python benchmarks/rule_graph.py docs/images/rule_graph.svg

Edges that follow from others are omitted. Graphviz is not needed: a rule's layer is the longest way from the start,
its place within the layer the mean place of its neighbours. ``--check`` compares instead of writing.
"""

from __future__ import annotations

import re
import sys
from html import escape
from pathlib import Path

Graph = dict[str, set[str]]
"""The rules that each rule needs."""
BOX_HEIGHT, LAYER_HEIGHT, GAP, LETTER, MARGIN = 24, 58, 16, 6.9, 12
COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#eeca3b")
FILES = {
    "cohort": ("cohort", "participants"),
    "images": ("register", "brain", "quality"),
    "channels": ("prepare",),
    "networks": ("preoperative", "initial", "train", "out_of_fold", "predict"),
    "segmentations": ("segment", "before", "measure"),
    "raters": ("raters",),
    "statistics": ("statistics", "resection", "conventions", "subgroups", "prognosis"),
    "publication": ("tables", "figures", "further_figures", "report", "bundle"),
}
"""The groups of the drawing, and the rule files of each."""


def parsed(dot: str) -> Graph:
    """Read Snakemake's graph; omit the rule ``all``."""
    names = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)', dot, re.MULTILINE))
    graph: Graph = {name: set() for name in names.values() if name != "all"}
    for source, target in re.findall(r"^\s*(\d+) -> (\d+)", dot, re.MULTILINE):
        if names[target] in graph and names[source] != names[target]:
            graph[names[target]].add(names[source])
    return graph


def reduced(graph: Graph) -> Graph:
    """Drop each edge that a longer way implies."""

    def ancestors(rule: str) -> set[str]:
        return set().union(*({need} | ancestors(need) for need in graph[rule]))

    return {
        rule: {need for need in needs if not any(need in ancestors(other) for other in needs - {need})}
        for rule, needs in graph.items()
    }


def with_bends(graph: Graph) -> tuple[Graph, dict[str, int]]:
    """Return the graph with a bend (``a>b#layer``) in each layer that an edge passes, and the layer of each node."""
    depth: dict[str, int] = {}

    def depth_of(rule: str) -> int:
        if rule not in depth:
            depth[rule] = 1 + max((depth_of(need) for need in graph[rule]), default=-1)
        return depth[rule]

    for rule in graph:
        depth_of(rule)
    bent: Graph = {rule: set() for rule in graph}
    layers = dict(depth)
    for rule, needs in graph.items():
        for need in needs:
            above = need
            for layer in range(depth[need] + 1, depth[rule]):
                bend = f"{need}>{rule}#{layer}"
                bent[bend], layers[bend], above = {above}, layer, bend
            bent[rule].add(above)
    return bent, layers


def placed(graph: Graph, layers: dict[str, int]) -> dict[str, float]:
    """Return the horizontal centre of each node: rows in the order of their neighbours' means, without overlap."""
    below: Graph = {node: {other for other, needs in graph.items() if node in needs} for node in graph}
    rows = [sorted(node for node in graph if layers[node] == layer) for layer in range(max(layers.values()) + 1)]
    centre = {node: 90.0 * index for row in rows for index, node in enumerate(row)}
    for sweep in range(60):
        neighbours = graph if sweep % 2 == 0 else below
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wanted = {node: _mean([centre[other] for other in neighbours[node]], centre[node]) for node in row}
            row.sort(key=lambda node: (wanted[node], node))
            _spread(row, wanted, centre)
    left = min(centre[node] - _width(node) / 2 for node in graph)
    return {node: centre[node] - left + MARGIN for node in graph}


def _spread(row: list[str], wanted: dict[str, float], centre: dict[str, float]) -> None:
    """Place the nodes of a row as near to their wanted centres as their widths allow."""
    edge = float("-inf")
    for node in row:
        centre[node] = max(wanted[node], edge + _width(node) / 2)
        edge = centre[node] + _width(node) / 2 + GAP
    shift = _mean([wanted[node] - centre[node] for node in row], 0.0)
    for node in row:
        centre[node] += shift


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _width(node: str) -> float:
    return 4.0 if "#" in node else LETTER * len(node) + 18


def drawn(graph: Graph, group: dict[str, str]) -> str:
    """Return the SVG of the graph, each rule in the colour of its group."""
    bent, layers = with_bends(reduced(graph))
    centre = placed(bent, layers)
    top = {node: MARGIN + layers[node] * LAYER_HEIGHT for node in bent}
    width = max(centre[node] + _width(node) / 2 for node in bent) + MARGIN
    height = max(top.values()) + BOX_HEIGHT + 3 * MARGIN + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        'font-family="sans-serif" font-size="12">'
    ]
    for node in sorted(bent):
        for need in sorted(bent[node]):
            parts.append(_edge(centre[need], top[need], centre[node], top[node], "#" in need))
    for node in sorted(graph):
        parts.append(_box(node, centre[node], top[node], COLOURS[list(FILES).index(group[node])]))
    for index, name in enumerate(FILES):
        x, y = MARGIN + index * (width - 2 * MARGIN) / len(FILES), height - MARGIN
        parts.append(f'<rect x="{x:.0f}" y="{y - 10:.0f}" width="10" height="10" fill="{COLOURS[index]}"/>')
        parts.append(f'<text x="{x + 15:.0f}" y="{y:.0f}" fill="#333">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _edge(x: float, y: float, to_x: float, to_y: float, from_bend: bool) -> str:
    start, middle = y + BOX_HEIGHT, (y + BOX_HEIGHT + to_y) / 2
    line = f"M{x:.0f} {y if from_bend else start:.0f}" + (f" L{x:.0f} {start:.0f}" if from_bend else "")
    curve = f" C{x:.0f} {middle:.0f} {to_x:.0f} {middle:.0f} {to_x:.0f} {to_y:.0f}"
    return f'<path d="{line}{curve}" fill="none" stroke="#999" stroke-width="1.2"/>'


def _box(name: str, x: float, y: float, colour: str) -> str:
    width = _width(name)
    return (
        f'<rect x="{x - width / 2:.0f}" y="{y}" width="{width:.0f}" height="{BOX_HEIGHT}" rx="5" fill="white" '
        f'stroke="{colour}" stroke-width="2"/>'
        f'<text x="{x:.0f}" y="{y + 16}" text-anchor="middle" fill="#222">{escape(name)}</text>'
    )


def groups(rules: Path) -> dict[str, str]:
    """Return the group of each rule by the file that holds it."""
    return {
        rule: group
        for group, stems in FILES.items()
        for stem in stems
        for rule in re.findall(r"^ *(?:rule|use rule \w+ as) (\w+)", (rules / f"{stem}.smk").read_text(), re.MULTILINE)
    }


def main(check: bool, out: Path) -> None:
    """Draw what stands on standard input."""
    svg = drawn(parsed(sys.stdin.read()), groups(Path(__file__).parents[1] / "rules"))
    if not check:
        out.write_text(svg, encoding="utf-8")
    elif not out.is_file() or out.read_text(encoding="utf-8") != svg:
        sys.exit(f"{out}: not the rules of the workflow; run: make rule-graph")


if __name__ == "__main__":
    main("--check" in sys.argv, Path(sys.argv[-1]))
