"""Differences in the preparation of the images: brain masks and registration."""

from __future__ import annotations

from residua.report.deviation import Deviation, where
from residua.settings.study import Study

_SLABS = "a slab-wise AGU-Net, slabs of 256×192×32 voxels"
_PUBLIC = (
    "the article's weights are public (as ONNX, Raidionics-models 1.2.0), and are neither shipped nor fetched here"
)
_TISSUE = "unlikely: tumour at the brain's edge may be cut off or left in; the quality pages show the masks"


def _registers(study: Study) -> bool:
    return study.registration.engine != "none" and bool(study.sequences.moving)


def _optimised_on_coarser_images(study: Study) -> bool:
    """Return whether any registration of the study runs a stage on images of another spacing than their own."""
    if not _registers(study):
        return False
    settings = [study.registration_of(sequence) for sequence in study.sequences.moving]
    deforms = study.registration.transform in ("SyN", "diffeomorphic")
    spacings = [of.linear_spacing_mm for of in settings]
    spacings += [of.deformation.working_spacing_mm for of in settings if deforms]
    return any(spacing is not None for spacing in spacings)


OF_IMAGES = (
    Deviation("Brain masks", _SLABS, "deepbet", _PUBLIC, _TISSUE, where("brain_mask.method", "deepbet")),
    Deviation("Brain masks", _SLABS, "HD-BET", _PUBLIC, _TISSUE, where("brain_mask.method", "hd-bet")),
    Deviation(
        "Brain masks",
        _SLABS,
        "the brain of the MNI152 template, registered to the reference",
        f"{_PUBLIC}; this needs no trained network",
        "possibly: a template follows a brain with a large cavity less closely than a network does",
        where("brain_mask.method", "template"),
    ),
    Deviation(
        "Brain masks",
        _SLABS,
        "a slab-wise AGU-Net with weights of the study's own; slabs overlap by half, and their middle halves are kept",
        f"{_PUBLIC}; the article does not name the overlap; its authors' code takes slabs without overlap, or one "
        "slice apart and keeps the middle slice",
        _TISSUE,
        lambda study: study.brain_mask.has_own_network,
    ),
    Deviation(
        "Brain masks",
        _SLABS,
        "a slab-wise AGU-Net with fewer filters and coarser slabs, trained on simulated heads; slabs overlap by half, "
        "and their middle halves are kept",
        f"{_PUBLIC}; these weights come with Residua, and docs/explanation/brain_model.md has their scores",
        "possibly: the network has seen no patient; the quality pages show the masks",
        lambda study: study.brain_mask.has_packaged_network,
    ),
    Deviation(
        "Brain masks",
        _SLABS,
        "the authors' published network (ONNX) by their package raidionicsseg; the largest piece, holes filled",
        "the study gives that model; the package prepares the head as the model's own settings say",
        _TISSUE,
        where("brain_mask.method", "raidionics"),
    ),
    Deviation(
        "Brain masks",
        _SLABS,
        "what is not background in the reference, which was stripped elsewhere",
        "the scans of the study were stripped before it",
        _TISSUE,
        where("brain_mask.method", "stripped"),
    ),
    Deviation(
        "Brain masks",
        _SLABS,
        "the masks that come with the cohort table",
        "the study asks for them",
        "it depends on the masks",
        where("brain_mask.method", "given"),
    ),
    Deviation(
        "Registration",
        "SyN of ANTs; neither metric, iterations nor smoothing given",
        "SyN of ANTs after a rigid and an affine stage, the field smoothed more than ANTs does; "
        "docs/explanation/registration.md has metric and smoothing within the session and across surgery",
        "with ANTs' own smoothing SyN displaces what the affine stage had aligned; only surgery shifts the brain",
        "unlikely for T1w-CE alone; what further sequences add depends on how well they are aligned",
        lambda study: (
            _registers(study) and (study.registration.engine, study.registration.transform) == ("ants", "SyN")
        ),
    ),
    Deviation(
        "Registration",
        "SyN of ANTs",
        "Greedy",
        "the study asks for it, to save time",
        "unlikely: docs/explanation/registration.md compares the errors",
        where("registration.engine", "greedy"),
    ),
    Deviation(
        "Registration",
        "SyN of ANTs",
        "none: the images are assumed to be aligned",
        "the study asks for it",
        "possibly: what further sequences add depends on how well they are aligned",
        where("registration.engine", "none"),
    ),
    Deviation(
        "Registration",
        "SyN of ANTs",
        "without a deformation",
        "the study asks for it",
        "possibly for the pre-operative channels: surgery shifts the brain",
        lambda study: _registers(study) and study.registration.transform in ("affine", "rigid"),
    ),
    Deviation(
        "Tumour in the registration",
        "not given",
        "where the pre-operative scan is deformed, its tumour is ignored",
        "the tumour has no counterpart after surgery, and pulled the deformation off course beside the cavity",
        "unlikely: it concerns the pre-operative channels only",
        lambda study: study.registration.ignored is not None,
    ),
    Deviation(
        "Grid of the registration",
        "not given",
        "optimised on images of a coarser spacing, applied on the reference grid",
        "a fraction of the time; docs/explanation/registration.md compares the errors",
        "unlikely: the errors are alike",
        _optimised_on_coarser_images,
    ),
    Deviation(
        "Patients whose scan does not fit in size",
        "no such criterion",
        "a patient fails whose affine transform scales an axis by more than registration.scale_tolerance",
        "one head has one size: such a transform has failed, or the scan is another person's",
        "unlikely: few patients; the report counts them",
        _registers,
    ),
)
