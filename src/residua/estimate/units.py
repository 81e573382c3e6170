"""How much work a planned job has: its patients, their voxels, and what its network computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from residua.estimate.costs import Amount
from residua.estimate.networks import prediction_billions, training_work
from residua.operations.run_log import Job
from residua.settings.study import Study
from residua.wiring.disk_use import Grids
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import (
    patients_in,
    patients_of_subset,
    patients_with,
    segmented,
    segmented_of_split,
    validation_by_fold,
)
from residua.wiring.preoperative import of_batch, scans_of_fold

SAME = {
    "train_preoperative": "train",
    "ensemble": "predict",
    "prepare_preoperative_tumor": "prepare",
    "select_preoperative": "select_cases",
    "mask_preoperative": "mask_brain",
    "register_around_resection": "register",
    "register_without_label": "register",
}
"""Rules whose jobs do the work of another one."""
_OF_SCANS_BEFORE = (
    "mask_preoperative",
    "bring_back_brain",
    "prepare_preoperative",
    "prepare_preoperative_tumor",
    "select_preoperative",
    "train_preoperative",
)
"""Rules that work on scans before surgery for the start of a network."""


def variant_of(study: Study, rule: str, job: Job) -> str:
    """Return the variant of a rule that a job is: by its network, or by how brains are masked."""
    if rule == "mask_brain":
        return str(study.brain_mask.method)
    return job.wildcards.get("arch", "")


def units_of(loaded: LoadedStudy, rule: str, job: Job, grid: Grids) -> dict[str, Amount]:
    """Return the units of a job's work; ``rule`` is the one whose costs it shares."""
    patients = _before_surgery(loaded, job) or patients_of_job(loaded, rule, job.wildcards)
    sizes = [grid(patient).voxels / 1e6 for patient in patients]
    amounts = {
        "job": Amount(1, 1),
        "patient": Amount(len(patients), len(patients)),
        "million voxels": Amount(sum(sizes), max(sizes, default=0.0)),
    }
    if rule == "register":
        amounts |= _of_registration(loaded, job, grid(patients[0]).field_ml)
    if rule in ("train", "predict"):
        amounts |= _of_network(loaded, rule, job, sizes)
    return amounts


def patients_of_job(loaded: LoadedStudy, rule: str, wildcards: Mapping[str, str]) -> Sequence[str]:
    """Return the patients on whom a job works, by the names in its files; all of the study where they name none."""
    if "patient" in wildcards:
        return [wildcards["patient"]]
    if "batch" in wildcards:
        channel, batch = wildcards.get("channel"), wildcards["batch"]
        return patients_with(loaded, channel, batch) if channel else patients_in(loaded, batch)
    arch, inputs = wildcards.get("arch"), wildcards.get("inputs")
    if arch is None:
        return list(loaded.cohort.patients)
    if inputs is None:
        return list(loaded.cohort.patients)
    if "fold" in wildcards and rule == "train":
        return patients_of_subset(loaded, arch, inputs, f"fold{wildcards['fold']}")["training"]
    if "fold" in wildcards:
        return validation_by_fold(loaded, arch, inputs)[int(wildcards["fold"])]
    if rule == "predict":
        return loaded.held_out(arch, inputs)
    if "split" in wildcards:
        return segmented_of_split(loaded, arch, inputs, wildcards["split"])
    return segmented(loaded, arch, inputs)


def _before_surgery(loaded: LoadedStudy, job: Job) -> Sequence[str]:
    """Return the patients whose scans before surgery a job works on; none for a job of other rules."""
    if job.rule not in _OF_SCANS_BEFORE:
        return ()
    if "batch" in job.wildcards:
        return of_batch(loaded, job.wildcards["batch"])
    return scans_of_fold(loaded, int(job.wildcards["fold"]))


def sequence_of(loaded: LoadedStudy, job: Job) -> str:
    """Return the sequence that a job registers: the one of its name, or that on which the resected label is drawn."""
    label = loaded.study.registration.resected
    return job.wildcards.get("sequence") or loaded.study.labels[label or ""]


def _of_registration(loaded: LoadedStudy, job: Job, field_ml: float) -> dict[str, Amount]:
    """Return the steps of a registration: iterations of each level times its voxels."""
    deformation = loaded.study.registration_of(sequence_of(loaded, job)).deformation
    spacing = deformation.working_spacing_mm or 1.0
    coarser = range(len(deformation.iterations) - 1, -1, -1)
    voxels = [field_ml * 1000 / (spacing * 2**level) ** 3 for level in coarser]
    steps = sum(each * count for each, count in zip(voxels, deformation.iterations, strict=True)) / 1e6
    engine = loaded.study.registration.engine
    return {f"million steps of {deformation.metric if engine == 'ants' else engine}": Amount(steps, steps)}


def _of_network(loaded: LoadedStudy, rule: str, job: Job, sizes: Sequence[float]) -> dict[str, Amount]:
    arch, inputs = job.wildcards["arch"], job.wildcards.get("inputs")
    settings = loaded.study.settings_of(arch)
    if rule == "train":
        channels = len(loaded.study.inputs[inputs]) if inputs else 1
        work = training_work(settings, len(sizes), channels)
        if work is None:
            return {}
        return {
            "billion multiplications": Amount(work.billions, 0),
            "million voxels fed": Amount(work.fed_millions, work.fed_at_once),
        }
    members = 1 if "fold" in job.wildcards or inputs is None else len(loaded.folds_of(arch, inputs))
    maps = len(sizes) * members
    return {
        "case": Amount(maps, 1),
        "million voxels": Amount(sum(sizes) * members, max(sizes, default=0.0)),
        "billion multiplications": Amount(maps * (prediction_billions(settings) or 0.0), 0),
    }
