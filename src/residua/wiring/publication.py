"""The tables and figures of the publication: which there are, and what they are made from."""

from __future__ import annotations

from typing import Any

from residua.publishing.notes import Note
from residua.settings.base import REFERENCE_STANDARD
from residua.wiring import conventions, validation
from residua.wiring.application import LoadedApplication
from residua.wiring.combinations import notes_of_combinations
from residua.wiring.elsewhere import notes_of_elsewhere
from residua.wiring.files import brain_mask_of, file_of, on_the_reference, registration_of
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import notes_of_persons, resected_patients
from residua.wiring.prognosis import survivals

TABLE_FORMATS = ("csv", "md", "tex", "html")
FIGURE_FORMATS = ("pdf", "png")
_PAIRED = ("dice", "friedman", "classification", "auroc", "raters")
SUBGROUPS = ("subgroups", "subgroup_tests", "between_hospitals")
EXAMPLES_HOSPITALS, EXAMPLES_PER_HOSPITAL = 4, 3


def supplement(loaded: LoadedStudy) -> dict[str, str]:
    """Return the tables of the statistics, by name: the parquet file that each shows."""
    if isinstance(loaded, LoadedApplication):
        return validation.supplement(loaded)
    tables = {"tukey": "inputs", "architectures": "architectures", "intervals": "intervals", "overlaps": "overlaps"}
    tables |= {"resection": "resection", "rano": "rano"} if resected_patients(loaded) else {}
    tables |= {"prognosis": "prognosis", "survival": "survival"} if survivals(loaded) else {}
    tables |= {"raters": "raters"} if loaded.raters else {}
    tables |= {"rater_ranks": "rater_ranks"} if loaded.raters and loaded.study.statistics.further_consensus else {}
    tables |= {"subsets": "subsets"} if loaded.study.channel_dropout else {}
    tables |= {"nested": "nested"}
    tables |= {"conventions": "conventions"} if conventions.names(loaded) else {}
    tables |= {name: name for name in SUBGROUPS if loaded.study.statistics.subgroups}
    return tables | {f"paired_{name}": f"paired_{name}" for name in _PAIRED if name != "raters" or loaded.raters}


def tables(loaded: LoadedStudy) -> list[str]:
    """Return the names of all tables."""
    return ["table1", "table2", "table3", "table4", "table_s2", "baseline", *supplement(loaded)]


def figures(loaded: LoadedStudy) -> list[str]:
    """Return the names of all figures."""
    resection = ["resection"] if resected_patients(loaded) else []
    prognosis = ["kaplan_meier"] if survivals(loaded) else []
    raters = ["figure4"] if loaded.raters else []
    subgroups = ["hospitals", "subgroups"] if loaded.study.statistics.subgroups else []
    shown = ["flow", "figure1", "figure3", *resection, *prognosis, *subgroups]
    return [*shown, *loaded.study.figures.further, *raters]


def comparisons(loaded: LoadedStudy) -> list[str]:
    """Return the names of the statistics."""
    return list(supplement(loaded).values())


def stacks(loaded: LoadedStudy) -> list[str]:
    """Return the software stacks that the study uses, by name."""
    study = loaded.study
    return sorted(
        {"core", study.brain_mask.environment, *(study.settings_of(arch).environment for arch in study.archs)}
    )


def metrics_files(loaded: LoadedStudy) -> list[str]:
    """Return the measurements of every network and input configuration."""
    return [f"results/metrics/{arch}/{inputs}.parquet" for arch, inputs in loaded.judged]


def lesion_files(loaded: LoadedStudy) -> list[str]:
    """Return the lesions of every network and input configuration."""
    return [f"results/lesions/{arch}/{inputs}.parquet" for arch, inputs in loaded.judged]


def map_files(loaded: LoadedStudy, table: str = "patients") -> list[str]:
    """Return a table of the probability maps of every network and input configuration: of patients, or of bins."""
    return [f"results/probability/{arch}/{inputs}/{table}.parquet" for arch, inputs in loaded.judged]


def compared(loaded: LoadedStudy) -> list[tuple[str, str]]:
    """Return the networks and input configurations that may be compared by Dice, and that Figure 3 may show."""
    study = loaded.study
    return [
        (arch, inputs) for arch in study.choices("segmentation") for inputs in study.candidates("segmentation", arch)
    ]


def compared_metrics(loaded: LoadedStudy) -> list[str]:
    """Return the measurements of these networks."""
    return [f"results/metrics/{arch}/{inputs}.parquet" for arch, inputs in compared(loaded)]


def table_notes(loaded: LoadedStudy) -> list[Note]:
    """Return footnotes of the tables that hold measurements."""
    if isinstance(loaded, LoadedApplication):
        return [*validation.notes(loaded)]
    study = loaded.study
    early = [arch for arch in study.archs if study.settings_of(arch).early_stopping_on_validation]
    return [
        f"{loaded.arch_labels[arch]}: the fold that is reported also ended the training, so that its validation rows "
        "are optimistic."
        for arch in early
    ] + [*notes_of_elsewhere(loaded), *notes_of_combinations(loaded), *notes_of_persons(loaded)]


def outlines(loaded: LoadedStudy) -> dict[str, str]:
    """Return the label that Figure 1 outlines on each sequence; sequences without one are not named.

    That is the label drawn on it, else the residual tumour, unless the sequence is older than the surgery.
    """
    drawn = {sequence: label for label, sequence in reversed(loaded.study.labels.items())}
    return {
        column: drawn.get(column, REFERENCE_STANDARD)
        for column in loaded.study.images
        if column in drawn or not column.startswith("pre_")
    }


def patients_shown(loaded: LoadedStudy) -> list[str]:
    """Return the candidates for Figure 1: the first complete patients of the first hospitals, in the table's order."""
    by_hospital: dict[str, list[str]] = {}
    hospitals = loaded.split.hospitals
    for patient in loaded.cohort.patients:
        if patient in hospitals and loaded.cohort.has(patient, loaded.study.images):
            by_hospital.setdefault(hospitals[patient], []).append(patient)
    first = list(by_hospital.values())[:EXAMPLES_HOSPITALS]
    return [patient for patients in first for patient in patients[:EXAMPLES_PER_HOSPITAL]]


def examples(loaded: LoadedStudy) -> list[dict[str, Any]]:
    """Return the files of the patients of Figure 1; a label that a patient lacks is not outlined."""
    return [_example(loaded, patient) for patient in patients_shown(loaded)]


def _example(loaded: LoadedStudy, patient: str) -> dict[str, Any]:
    files = loaded.cohort.patients[patient].files
    return {
        "hospital": loaded.cohort.patients[patient].hospital,
        "images": {column: on_the_reference(loaded, patient, column) for column in loaded.study.images},
        "residual": file_of(loaded, patient, REFERENCE_STANDARD),
        "brain": brain_mask_of(loaded, patient),
        "outlines": {
            column: on_the_reference(loaded, patient, label)
            for column, label in outlines(loaded).items()
            if label in files
        },
    }


def example_files(loaded: LoadedStudy) -> list[str]:
    """Return the images and labels of ``examples``."""
    shown = examples(loaded)
    images = [file for example in shown for file in (*example["images"].values(), example["residual"])]
    return images + [file for example in shown for file in example["outlines"].values()]


def example_registrations(loaded: LoadedStudy) -> list[str]:
    """Return the records of all registrations that Figure 1 shows; no network may see some of them."""
    moving = loaded.study.sequences.moving
    return [registration_of(patient, column, "quality.json") for patient in patients_shown(loaded) for column in moving]
