"""Draw AGU-Net as an SVG from the layers of the network itself: sizes, weights and connections are read, not written.

    PYTHONPATH=src PYTHON benchmarks/agunet_figure.py docs/images/agunet.svg

Layers are drawn in groups: a block, a gate, a head. What starts anew with another number of channels is orange.
``--check`` compares instead of writing.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import yaml

from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.framework import keras
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.agunet.weight_shapes import sees_the_input

HOUSE = Path(__file__).resolve().parents[1]
INPUTS = "B"
WIDTH, HEIGHT, COLUMN, ROW, MARGIN = 148, 44, 186, 96, 14
COLOURS = {
    "input": "#888",
    "scale": "#54a24b",
    "block": "#4c78a8",
    "up": "#72b7b2",
    "gate": "#b279a2",
    "head": "#e45756",
}
ANEW = "#f58518"
_COLUMNS = {"input": 0, "scale": 1, "encoder": 2, "gate": 3, "up": 4, "decoder": 5, "head": 6}
_NAMES = {
    "input": "input, averaged",
    "scale": "convolution, ReLU",
    "encoder": "2 × convolution, norm, ReLU",
    "gate": "attention gate",
    "up": "upsampled",
    "decoder": "2 × convolution, norm, ReLU",
    "head": "softmax",
}


@dataclass
class Group:
    """Layers that are drawn as one box: what they are, their level, the last one's output, weights, and sources."""

    kind: str
    level: int
    shape: tuple[int, ...] = ()
    weights: int = 0
    sources: set[tuple[str, int]] = field(default_factory=set)
    anew: int = 0


Groups = dict[tuple[str, int], Group]


def group_of(layer: str) -> tuple[str, int]:
    """Return kind and level of the group to which a layer belongs, by its name."""
    if layer == "volume":
        return "input", 0
    found = re.fullmatch(r"(average|scale|down|join|encoder|decoder|head)(\d+)_?(.*)", layer)
    if found is None:
        raise ValueError(f"{layer}: a layer without a place in the figure")
    kind, level, rest = found[1], int(found[2]), found[3]
    if kind == "decoder":
        kind = "up" if rest.startswith("up") else "gate" if rest.startswith(("gate", "attention")) else "decoder"
    return {"average": "input", "down": "encoder", "join": "encoder"}.get(kind, kind), level


def groups_of(network: keras.Model) -> Groups:
    """Read the groups of a network from its layers, in their order."""
    groups: Groups = {}
    for layer in network.layers:
        key = group_of(layer.name)
        group = groups.setdefault(key, Group(*key))
        group.shape = tuple(layer.output.shape[1:])
        group.weights += sum(prod(weight.shape) for weight in layer.trainable_weights)
        if sees_the_input(layer.name):
            group.anew += 1
        given = [] if isinstance(layer, keras.layers.InputLayer) else layer.input
        for tensor in given if isinstance(given, list) else [given]:
            source = group_of(tensor._keras_history.operation.name)
            if source != key:
                group.sources.add(source)
    return groups


def drawn(network: keras.Model, title: str) -> str:
    """Return the figure of a network."""
    groups = groups_of(network)
    width = MARGIN * 2 + COLUMN * max(_COLUMNS.values()) + WIDTH
    height = 2 * MARGIN + ROW * (max(level for _, level in groups) + 1) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<text x="{MARGIN}" y="{MARGIN + 6}" font-size="14" fill="#222">{title}</text>',
    ]
    parts += [_edge(groups[source], group) for group in groups.values() for source in sorted(group.sources)]
    for group in groups.values():
        parts += _box(group)
    total, anew = f"{network.count_params():,}", sum(group.anew for group in groups.values())
    trained = f"{sum(group.weights for group in groups.values()):,}"
    said = f"{trained} trained weights ({total} with running statistics)"
    said += f"; orange: the {anew} convolutions that read the channels"
    parts.append(f'<text x="{MARGIN}" y="{height - MARGIN}" fill="#222">{said}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _place(group: Group) -> tuple[int, int]:
    return MARGIN + COLUMN * _COLUMNS[group.kind], MARGIN + 22 + ROW * group.level


def _box(group: Group) -> Iterator[str]:
    x, y = _place(group)
    kind = "block" if group.kind in ("encoder", "decoder") else group.kind
    colour = ANEW if group.anew else COLOURS[kind]
    size = " × ".join(map(str, group.shape[:-1]))
    lines = (_NAMES[group.kind], f"{size} · {group.shape[-1]}", f"{group.weights:,} weights" if group.weights else "")
    yield (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5" fill="white" stroke="{colour}" '
        'stroke-width="2"/>'
    )
    for number, line in enumerate(filter(None, lines)):
        yield f'<text x="{x + WIDTH / 2:g}" y="{y + 14 + 13 * number}" text-anchor="middle" fill="#222">{line}</text>'


def _edge(source: Group, target: Group) -> str:
    (x, y), (to_x, to_y) = _place(source), _place(target)
    start: tuple[float, float]
    end: tuple[float, float]
    if source.kind == target.kind:
        start, end = (x + WIDTH / 2, y + HEIGHT), (to_x + WIDTH / 2, to_y)
    elif source.level == target.level:
        ahead = x < to_x
        start, end = (x + WIDTH if ahead else x, y + HEIGHT / 2), (to_x if ahead else to_x + WIDTH, to_y + HEIGHT / 2)
    else:
        start, end = (x + WIDTH / 2, y), (to_x + WIDTH / 2, to_y + HEIGHT)
    far = source.level == target.level and abs(_COLUMNS[source.kind] - _COLUMNS[target.kind]) > 1
    bend = (start[1] + end[1]) / 2 - (ROW / 2.2 if far else 0)
    middle = f"{(start[0] + end[0]) / 2:g} {bend:g}"
    return f'<path d="M{start[0]:g} {start[1]:g} Q{middle} {end[0]:g} {end[1]:g}" fill="none" stroke="#999"/>'


def published() -> tuple[keras.Model, str]:
    """Return the network of the published study for one of its input configurations, and the figure's title."""
    config = yaml.safe_load((HOUSE / "config.yaml").read_text(encoding="utf-8"))
    settings = AGUNetSettings.model_validate(config["networks"]["agunet"])
    channels = config["inputs"][INPUTS]
    features = settings.features_for(len(channels))
    network = build_network(settings.shape, len(channels), features, settings.batch_normalization_momentum)
    return network, f"AGU-Net on inputs {INPUTS}: {', '.join(channels)}"


def main() -> None:
    """Draw the published network."""
    asked = argparse.ArgumentParser()
    asked.add_argument("out", type=Path)
    asked.add_argument("--check", action="store_true")
    given = asked.parse_args()
    svg = drawn(*published())
    if not given.check:
        given.out.write_text(svg, encoding="utf-8")
    elif not given.out.is_file() or given.out.read_text(encoding="utf-8") != svg:
        sys.exit(f"{given.out}: not the layers of the network; draw it anew without --check")


if __name__ == "__main__":
    main()
