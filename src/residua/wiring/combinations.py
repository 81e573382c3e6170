"""Rows that networks of the study make together: from which files, and what tables and report say of them."""

from __future__ import annotations

from residua.publishing.notes import Note
from residua.settings.combinations import Combination
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
    return [f"{loaded.arch_labels[name]}: {_words(loaded, each)}" for name, each in loaded.study.combinations.items()]


def _words(loaded: LoadedStudy, combination: Combination) -> str:
    labels = [loaded.arch_labels[arch] for arch in combination.archs]
    if combination.mean:
        return (
            "the probabilities of these networks are averaged, each with the inputs of the row, and the threshold is "
            "chosen out of fold."
        )
    return (
        f"{labels[1]} decides whether there is residual tumour; where it finds some the mask is that of {labels[0]}, "
        "else it is empty. Each has the inputs of the row and its own threshold."
    )
