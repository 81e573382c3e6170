"""The first and the last passages of the methods: whose design, which patients, which software."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from residua.report.methods import Passage
from residua.report.wording import listed, name_of
from residua.settings.study import Study
from residua.version import __version__


def design(study: Study) -> Passage:
    """Return whose methods these are, and what a scan and its annotation must be."""
    protocol = study.protocol
    others = [f"{hours:g} hours at {hospital}" for hospital, hours in protocol.window_hours_by_hospital.items()]
    within = f"{protocol.window_hours:g} hours of surgery{f' ({listed(others)})' if others else ''}"
    graded = [f"{name_of(column)} of at least {grade}" for column, grade in protocol.least_grades.items()]
    return Passage(
        "Design",
        (
            "The methods are those of a published multicentre study [@helland2023], but for the deviations that the "
            "report lists.",
            f"Patients take part whose {name_of(study.sequences.reference)} was acquired within {within}"
            f"{f', with {listed(graded)}' if graded else ''}.",
        ),
    )


def software(environments: Mapping[str, Mapping[str, Any]]) -> Passage:
    """Return the software of a run, and the checklists that are filled in."""
    return Passage(
        "Software and reporting",
        (
            *(text for text in software_in_words(environments)),
            "The items of two checklists, CLAIM [@tejani2024] and TRIPOD+AI [@collins2024], that the run can answer "
            "are filled in beside the report.",
        ),
    )


def software_in_words(environments: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the workflow's software, and the packages of each environment."""
    versions = [
        f"{name}: {', '.join(f'{package} {number}' for package, number in environment['packages'].items())}"
        for name, environment in environments.items()
        if environment["packages"]
    ]
    held = (f"Versions in its environments: {'; '.join(versions)}.",) if versions else ()
    return (f"The workflow, Residua {__version__}, ran in Snakemake [@molder2021].", *held)
