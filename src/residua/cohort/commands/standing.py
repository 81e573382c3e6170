"""The errors of patients that are known when a run starts: missing files, headers, and errors of earlier runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict

from residua.cohort.checks.file_status import status_of
from residua.cohort.checks.results import invalid_patients, kept_problems
from residua.cohort.cohort import judged_cohort
from residua.cohort.places import HEADERS, PROBLEMS
from residua.cohort.table.files import check_files
from residua.cohort.table.patient import Patient
from residua.problems.lists import errors_of
from residua.problems.problem import Problem
from residua.publishing.publish import read_json, record_digest, write_json
from residua.settings.study import Study


def known_problems(study: Study, table_path: str, folder: str, version: str) -> list[Problem]:
    """Return the errors of candidates: patients that neither the table nor the protocol excludes.

    ``folder`` is ``results/cohort``, which holds the errors of earlier runs; ``version`` that of the code that checks.
    Nothing is kept without that folder: planning a study writes nothing.
    """
    cohort, _ = judged_cohort(study, table_path, placed=False)
    return problems_of(study, cohort.patients.values(), folder, version)


def excluded_at_start(study: Study, table_path: str, folder: str | None) -> dict[str, str]:
    """Return by patient why a start would exclude the patient (``on_invalid: exclude``). Writes nothing.

    ``folder`` is as above; None: no earlier run counts.
    """
    if study.on_invalid == "stop":
        return {}
    # Only here: reading headers takes an image library.
    from residua.cohort.checks.headers import check_headers

    cohort, _ = judged_cohort(study, table_path, placed=False)
    candidates = _candidates(cohort.patients.values())
    return invalid_patients(_errors(study, candidates, folder, check_headers(study, candidates.values())))


def problems_of(study: Study, patients: Iterable[Patient], folder: str, version: str) -> list[Problem]:
    """Return the errors of those patients who are not excluded; ``folder`` and ``version`` are as above."""
    candidates = _candidates(patients)
    headers = known_headers(study, list(candidates.values()), os.path.join(folder, HEADERS), version)
    return _errors(study, candidates, folder, headers)


def _candidates(patients: Iterable[Patient]) -> dict[str, Patient]:
    return {patient.patient: patient for patient in patients if not patient.excluded}


def _errors(
    study: Study, candidates: Mapping[str, Patient], folder: str | None, headers: Sequence[Problem]
) -> list[Problem]:
    kept = [] if folder is None else kept_problems(os.path.join(folder, PROBLEMS), candidates)
    # What an earlier check said of a folder tells more than that it is no file.
    told = {(problem.patient, problem.subject) for problem in kept}
    absent = check_files(study, candidates.values())
    problems = [problem for problem in absent if (problem.patient, problem.subject) not in told]
    return errors_of([*problems, *headers, *kept])


def known_headers(study: Study, patients: Sequence[Patient], kept: str, version: str) -> list[Problem]:
    """Return the result of ``check_headers``, or that in the file ``kept`` if nothing has changed since."""
    state = _state(study, patients, version)
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = read_json(kept)
        if record["state"] == state:
            return [Problem.from_json(problem) for problem in record["problems"]]
    # Only here: reading headers takes an image library.
    from residua.cohort.checks.headers import check_headers

    problems = check_headers(study, patients)
    if os.path.isdir(os.path.dirname(kept)):
        # Somebody else's folder, or a full disk: the headers are read again next time.
        with suppress(OSError):
            write_json(kept, {"state": state, "problems": [problem.to_json() for problem in problems]})
    return problems


def _state(study: Study, patients: Sequence[Patient], version: str) -> str:
    """Return a digest of all that the headers' verdict depends on: the rows, the columns and the states of files."""
    rows = [[asdict(patient), [status_of(path) for path in patient.files.values()]] for patient in patients]
    asked = [version, study.sequences.model_dump(mode="json"), study.labels, study.brain_mask.method]
    return record_digest([asked, rows])
