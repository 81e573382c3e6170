"""Rows that networks of the study make together: from which files, and what tables and report say of them."""

from __future__ import annotations

from residua.publishing.notes import Note
from residua.wiring.loaded import LoadedStudy
from residua.wiring.preparation import predictions_of


def maps(loaded: LoadedStudy, name: str, inputs: str, split: str) -> list[str]:
    """Return the maps of the networks of a mean, network by network, or those of the network that draws."""
    return [file for arch in averaged(loaded, name) for file in predictions_of(loaded, arch, inputs, split)]


def averaged(loaded: LoadedStudy, name: str) -> tuple[str, ...]:
    """Return the networks of a mean; of a gate the one that draws."""
    combination = loaded.study.combinations[name]
    return combination.mean or combination.archs[:1]


def gate(loaded: LoadedStudy, name: str, inputs: str, split: str) -> list[str]:
    """Return the masks by which a gate decides; none for a mean."""
    arch = loaded.study.combinations[name].gate
    return [f"results/segmentations/{arch}/{inputs}/{split}/manifest.json"] if arch else []


def notes_of_combinations(loaded: LoadedStudy) -> list[Note]:
    """Return a footnote for each combination."""
    labels = loaded.arch_labels
    return [f"{labels[name]}: {each.in_words(labels)}." for name, each in loaded.study.combinations.items()]
