"""Texts of the pipeline (the article's Figure 2), as the configuration says it: the boxes and the caption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from residua.figures.flow_words import FlowBox
from residua.settings.study import Study
from residua.words import listed, name_of, title_of

Row = tuple[FlowBox, ...]
_ENGINES = {"ants": "ANTs", "greedy": "Greedy"}
_BRAINS = {
    "deepbet": "by deepbet",
    "hd-bet": "by HD-BET",
    "agunet": "by a slab-wise AGU-Net",
    "raidionics": "by the Raidionics model",
    "template": "by a template",
    "stripped": "none: the scans are stripped",
    "given": "as given with the scans",
}
_SHOWN = {
    "spacing_mm": "Spacing {} mm",
    "patch_size": "Patches of {} voxels",
    "shape": "Whole brain, {} voxels",
    "features": "Filters {}",
    "batch_size": "Batch of {}",
    "epochs": "At most {} epochs",
}
"""Settings of a network that are shown where it has them, and how."""


def rows_of(study: Study, folds: int, arch_labels: Mapping[str, str], rated: bool) -> list[Row]:
    """Return the rows of boxes from top to bottom; ``rated`` says whether raters take part."""
    return [
        _sequences(study),
        (_registration(study), _brain(study)),
        (FlowBox("Input configurations", tuple(_inputs(study))),),
        tuple(_network(study, arch, arch_labels) for arch in study.archs),
        (_cross_validation(folds), _holdout(study, folds)),
        (_postprocessing(study),),
        _results(study, rated),
    ]


def _sequences(study: Study) -> Row:
    before = [column for column in study.images if column in study.sequences.before_surgery]
    after = [column for column in study.images if column not in before]
    drawn = tuple(f"{title_of(label)} on {name_of(sequence)}" for label, sequence in study.labels.items())
    boxes = [FlowBox("Scans after surgery", tuple(title_of(column) for column in after))]
    boxes += [FlowBox("Scans before surgery", tuple(title_of(column) for column in before))] if before else []
    return (*boxes, FlowBox("Masks drawn by hand", drawn))


def _registration(study: Study) -> FlowBox:
    settings, reference = study.registration, name_of(study.sequences.reference)
    if not study.sequences.moving:
        return FlowBox("Registration", (f"None: the {reference} is the only sequence",))
    if settings.engine == "none":
        return FlowBox("Registration", (f"Given: aligned with the {reference}",))
    return FlowBox("Registration", (f"To the {reference}", f"{_ENGINES[settings.engine]}, {settings.transform}"))


def _brain(study: Study) -> FlowBox:
    method = study.brain_mask.method
    return FlowBox("Skull stripping", (f"Brain mask {_BRAINS.get(method, method)}",))


def _inputs(study: Study) -> list[str]:
    return [f"{name}: {listed([name_of(channel) for channel in of])}" for name, of in study.inputs.items()]


def _network(study: Study, arch: str, arch_labels: Mapping[str, str]) -> FlowBox:
    values: dict[str, Any] = study.settings_of(arch).model_dump(mode="json")
    shown = [text.format(_value(values[name], name)) for name, text in _SHOWN.items() if name in values]
    return FlowBox(arch_labels.get(arch, arch), tuple(shown))


def _value(value: Any, name: str) -> str:
    if not isinstance(value, list):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return (", " if name == "features" else " × ").join(f"{each:g}" for each in value)


def _cross_validation(folds: int) -> FlowBox:
    lines = (f"{folds} folds: each model trains on the other folds and predicts its own", "Out-of-fold predictions")
    return FlowBox("Cross-validation", lines)


def _holdout(study: Study, folds: int) -> FlowBox:
    who = listed(list(study.held_out_hospitals)) or "patients drawn beforehand"
    return FlowBox(
        "Hold-out", (f"{who}: no training and no choice sees them", f"Mean probability of the {folds} models")
    )


def _postprocessing(study: Study) -> FlowBox:
    settings = study.postprocessing
    chosen = f"Threshold of each model, the best of {len(settings.thresholds)} out of fold"
    if len(settings.thresholds) == 1:
        chosen = f"Threshold {settings.thresholds[0]:g}"
    return FlowBox(
        "Post-processing",
        (
            chosen,
            f"Components below {settings.min_component_voxels} voxels are removed ({settings.connectivity}-connected)",
        ),
    )


def _results(study: Study, rated: bool) -> Row:
    cut = study.classification.residual_tumor_ml
    segmentation = FlowBox("Segmentation", ("Residual tumour, its volume and its lesions",))
    classes = FlowBox("Classification", (f"From {cut:g} ml residual tumour, else gross total resection",))
    return (segmentation, classes, *((FlowBox("Raters", ("Networks against raters",)),) if rated else ()))


def caption(study: Study) -> str:
    """Write the caption."""
    return (
        "Figure 2. The pipeline, as the configuration says it: from the scans and masks of a patient to the "
        "segmentation of residual tumour and the decision between residual tumour and gross total resection. "
        f"{'The network is' if len(study.archs) == 1 else 'Each network is'} trained with "
        f"{'one input configuration' if len(study.inputs) == 1 else f'each of {len(study.inputs)} inputs'}. "
        "Numbers are those of the configuration, not of the article."
    )
