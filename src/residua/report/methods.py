"""Describe the methods of a run from its settings.

Sentences cite publications as Pandoc does; ``citations`` spells them out for a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from residua.metrics.classification import WEAK_OVERLAP_DICE
from residua.report.citations import spelled_out
from residua.report.networks import describe_network, settings_table
from residua.report.prognosis import how_prognosis
from residua.report.resection import extent_of_resection
from residua.report.statistics import statistics
from residua.report.thresholds import SCORES
from residua.report.wording import counted, listed, name_of, one_of, plain, share
from residua.settings.participation import (
    BalancedFolds,
    DrawnFolds,
    FoldsTable,
    HoldoutColumn,
    HoldoutShare,
    LeaveOneHospitalOut,
)
from residua.settings.registration import Deformation
from residua.settings.study import Study
from residua.tables.models import folds_in_words

_ALIKE = {"hospital": "hospitals", "residual": "residual tumour"}


@dataclass(frozen=True)
class Passage:
    """A heading with its paragraphs, terms with definitions, and settings by what they mean."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()

    def spelled_out(self) -> Passage:
        """Return the passage with authors and years in place of citations."""
        return replace(
            self,
            paragraphs=tuple(map(spelled_out, self.paragraphs)),
            terms=tuple((term, spelled_out(meaning)) for term, meaning in self.terms),
        )


def methods(
    study: Study, labels: Mapping[str, str], rated: bool, folds: int, resected: bool = False, followed: bool = False
) -> list[Passage]:
    """Return all passages in the order of the workflow.

    ``labels`` are the names of the networks, ``rated`` whether human raters took part, ``folds`` the number of folds,
    ``resected`` whether extents of resection were computed, ``followed`` whether survival was judged.
    """
    return [
        Passage(
            "Registration and brain masks",
            (_registration(study), _brain_mask(study), *_sampling(study), *_failed(study)),
        ),
        Passage("Input configurations", (_trained_with(study),), _inputs(study)),
        *(_network(study, arch, labels.get(arch, arch)) for arch in study.archs),
        Passage("From probabilities to masks", (_folds(study, folds), _ensemble(study, folds), _threshold(study))),
        Passage("Measures", (_measures(study),), _definitions(study)),
        Passage("Extent of resection", extent_of_resection(study, resected)),
        *([Passage("Prognosis", how_prognosis(study))] if followed else []),
        Passage("Statistics", statistics(study, labels, rated)),
    ]


def _registration(study: Study) -> str:
    settings = study.registration
    reference = name_of(study.sequences.reference)
    if not study.sequences.moving:
        return f"Nothing was registered: the {reference} is the only sequence."
    moving = listed([name_of(column) for column in study.sequences.moving])
    resampled = (
        f"Images were resampled with {settings.interpolation} interpolation, labels with one that keeps them binary."
    )
    if settings.engine == "none":
        return f"The {moving} of each patient came aligned with the {reference}, the reference. {resampled}"
    software = {"ants": "ANTs [@avants2011; @tustison2021]", "greedy": "Greedy [@yushkevich2016]"}[settings.engine]
    were = "was" if len(study.sequences.moving) == 1 else "were"
    return (
        f"The {moving} of each patient {were} registered to the {reference}, the reference, with {software}. "
        f"{_stages(study)} {resampled}"
    )


def _stages(study: Study) -> str:
    settings = study.registration
    linear = {"rigid": "A rigid transform", "affine": "A rigid, then an affine transform"}
    begun = linear.get(settings.transform, linear["affine"])
    mattes = " [@mattes2003]" if settings.engine == "ants" else ""
    begun = f"{begun} maximised mutual information{mattes} {_where(settings.linear_spacing_mm)}."
    if settings.transform in linear:
        return begun
    kind = "a symmetric diffeomorphism (SyN) [@avants2008]" if settings.transform == "SyN" else "a diffeomorphism"
    across = settings.across_surgery
    shifted = [column for column in study.sequences.before_surgery if across]
    within = [column for column in study.sequences.moving if column not in shifted]
    ways = [f"{_deformation(settings.within_session)} for the {listed(list(map(name_of, within)))}"] if within else []
    if across and shifted:
        ways.append(
            f"{_deformation(across)} for the {listed(list(map(name_of, shifted)))}, because surgery shifts the brain"
        )
    masked = ""
    if settings.ignored:
        margin = f"{plain(settings.resected_margin_mm)} mm around it"
        masked = f" The {name_of(settings.ignored)}, which surgery removed, was masked out with {margin} [@brett2001]."
    return f"{begun} Then followed {kind}, {'; '.join(ways)}.{masked}"


def _deformation(settings: Deformation) -> str:
    metric = {"mattes": "mutual information", "CC": "cross-correlation"}[settings.metric]
    return (
        f"by {metric} {_where(settings.working_spacing_mm)} ({listed(list(map(str, settings.iterations)))} iterations "
        f"from coarse to fine; the field smoothed with a variance of {plain(settings.total_field_variance)} voxels², "
        f"each step with {plain(settings.update_field_variance)})"
    )


def _where(spacing_mm: float | None) -> str:
    return (
        "on the images at their own spacing"
        if spacing_mm is None
        else f"on images of about {plain(spacing_mm)} mm spacing"
    )


def _sampling(study: Study) -> tuple[str, ...]:
    if study.preparation == "paper":
        return ()
    return (
        "Every channel was interpolated once, from its own voxels to the grid of each network: the transform and the "
        "change of spacing were applied together. Images were smoothed before where the network's voxels are larger, "
        "and the brain mask was applied afterwards.",
    )


def _brain_mask(study: Study) -> str:
    mask = study.brain_mask
    source = {
        "deepbet": "was found by deepbet [@fisch2024], a pre-trained network,",
        "hd-bet": f"was found by HD-BET [@isensee2019], pre-trained networks, in its {mask.hd_bet_mode} mode",
        "agunet": f"was found by a slab-wise AGU-Net [@bouget2021] ({mask.weights_in_words})",
        "raidionics": f"was found by the article's network [@bouget2023] (model with SHA-256 {mask.weights_sha256})",
        "template": "was found by registering the brain of the MNI152 template [@fonov2011] to it with SyN of ANTs "
        "[@avants2008]",
        "stripped": "was what the background of this scan, which had been stripped elsewhere, surrounded,",
        "given": "came with the cohort table",
    }[mask.method]
    return (
        f"The brain mask of the {name_of(study.sequences.reference)} {source} and was applied to all sequences of the "
        "patient: everything outside it is zero."
    )


def _failed(study: Study) -> tuple[str, ...]:
    if study.on_fault == "stop":
        return ()
    return (
        "A patient whose registration or brain mask failed by these rules was left out of the whole study, without "
        f"regard to any result; more than {share(study.most_excluded)} of the patients would have stopped it.",
    )


def _inputs(study: Study) -> tuple[tuple[str, str], ...]:
    return tuple((name, listed([name_of(channel) for channel in channels])) for name, channels in study.inputs.items())


def _derived(study: Study) -> list[str]:
    return [
        f"The {name_of(name)} was computed of registered and stripped images: the {channel.told(name_of)}."
        for name, channel in study.derived_channels.items()
    ]


def _network(study: Study, arch: str, label: str) -> Passage:
    settings = study.settings_of(arch)
    return Passage(label, describe_network(settings), settings=settings_table(settings))


def _trained_with(study: Study) -> str:
    left_out = [
        f"With {name}, {share(fraction)} of the training samples lacked each channel but the reference."
        for name, fraction in study.channel_dropout.items()
    ]
    return " ".join([*_derived(study), *left_out, "Each network was trained and tested with each of:"])


def _folds(study: Study, folds: int) -> str:
    if isinstance(study.folds, DrawnFolds):
        alike = listed([_ALIKE[trait] for trait in study.folds.balance])
        return (
            f"The persons were drawn into {one_of(folds)} folds{_and_out(study)} so that these are alike in scans"
            f"{f', {alike}' if alike else ''}: one by one, each to where the parts then differ least from their "
            "shares, by minimisation [@pocock1975]. All scans of a person lie in one part. The parts were then frozen."
        )
    words = f"The hospitals that are not held out make up {one_of(folds)} folds"
    if isinstance(study.folds, BalancedFolds):
        return (
            f"{words} with nearly equal numbers of patients, and of patients with residual tumour. A program made the "
            "largest deviation of a fold from an equal share as small as it could, then the second largest, and so on. "
            "The folds were then frozen."
        )
    if isinstance(study.folds, LeaveOneHospitalOut):
        return f"{words}, one hospital each."
    return f"{words}, as {'a table' if isinstance(study.folds, FoldsTable) else 'the configuration'} states."


def _and_out(study: Study) -> str:
    if isinstance(study.holdout, HoldoutShare):
        return f" and a hold-out of {share(study.holdout.share)}"
    if isinstance(study.holdout, HoldoutColumn):
        return f" (the table's column {study.holdout.column} names the hold-out)"
    return ""


def _ensemble(study: Study, folds: int) -> str:
    unit = "person" if isinstance(study.folds, DrawnFolds) else "hospital"
    return (
        f"Each network was trained {one_of(folds)} times for each input configuration, each time without "
        f"the {unit}s of one fold. A patient of a fold was segmented by the one model that had not seen the {unit} "
        f"(out of fold). A hold-out patient was segmented by the mean softmax probabilities of all {one_of(folds)}."
    )


def _threshold(study: Study) -> str:
    settings = study.postprocessing
    return (
        "A voxel is tumour where its probability is at least a threshold. For each network and input configuration the "
        f"threshold was chosen from {plain(settings.thresholds)}: it maximises {SCORES[settings.rule]}, out of fold; "
        "the first of equal ones was taken. The hold-out played no part. Components of fewer than "
        f"{counted(settings.min_component_voxels, 'voxel')} ({settings.connectivity} neighbours) were then removed."
    )


def _measures(study: Study) -> str:
    return (
        "Every segmentation was measured against the reference standard, the manual segmentation, on the grid of the "
        f"{name_of(study.sequences.reference)}. Overlap, distance of surfaces and volume are measured side by side, "
        "because each misses errors that another shows [@maierhein2024]. Undefined values are omitted and counted, "
        "never set to 0."
    )


def _definitions(study: Study) -> tuple[tuple[str, str], ...]:
    statistics = study.statistics
    cut, overlap = study.classification.residual_tumor_ml, study.classification.min_overlap_dice
    besides = f" and a Dice of at least {overlap:g}" if overlap else ", whatever the overlap"
    return (
        (
            "Dice (DSC)",
            "2 |A∩B| / (|A| + |B|) of reference A and segmentation B [@dice1945]; 0 when just one is empty.",
        ),
        ("Jaccard index", "|A∩B| / |A∪B| = D / (2 − D) of Dice D."),
        (
            "HD95 (mm)",
            "95th percentile of both directed surface-distance sets concatenated (as MedPy); undefined when either "
            "mask is empty.",
        ),
        ("AVE (ml)", "Median absolute difference of the volumes, over all patients; AVE-P: over P."),
        ("Residual tumour, P", f"A volume of at least {cut:g} ml in the reference; below: gross total resection."),
        ("TP", f"Residual tumour in the reference and in the segmentation{besides}; FN, FP and TN accordingly."),
        (
            "DSC-P, DSC-TP",
            "Mean Dice over P, and over TP; by overlap: over the patients of P whose Dice is at least "
            f"{overlap or WEAK_OVERLAP_DICE:g}.",
        ),
        ("Recall, sensitivity", "TP / (TP + FN), patients."),
        ("Precision", "TP / (TP + FP), patients."),
        ("F1", "2 TP / (2 TP + FP + FN), patients."),
        ("Specificity", "TN / (TN + FP), patients."),
        ("Balanced accuracy (bAcc)", "Mean of sensitivity and specificity."),
        (
            f"TP with DSC < {100 * WEAK_OVERLAP_DICE:g} %",
            "True positives that agree by volume only: right about the patient, wrong about the place.",
        ),
        (
            "Val, mean±sd",
            f"Voxel-wise measures: mean and sd over out-of-fold patients, pooled from the folds by {_weights(study)}. "
            f"Patient-wise rates: mean of the folds weighted by their patients, sd over {folds_in_words(statistics)}.",
        ),
    )


def _weights(study: Study) -> str:
    return {"with_metric": "their patients that have the measure", "all_patients": "all their patients"}[
        study.statistics.fold_weights
    ]
