"""The errors of patients that are known when a run starts: missing files, headers, and errors of earlier runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict

from residua.cohort.checks.file_status import status_of
from residua.cohort.checks.results import kept_problems
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


def problems_of(study: Study, patients: Iterable[Patient], folder: str, version: str) -> list[Problem]:
    """Return the errors of those patients who are not excluded; ``folder`` and ``version`` are as above."""
    candidates = {patient.patient: patient for patient in patients if not patient.excluded}
    kept = kept_problems(os.path.join(folder, PROBLEMS), candidates)
    # What an earlier check said of a folder tells more than that it is no file.
    told = {(problem.patient, problem.subject) for problem in kept}
    absent = check_files(study, candidates.values())
    problems = [problem for problem in absent if (problem.patient, problem.subject) not in told]
    problems += known_headers(study, list(candidates.values()), os.path.join(folder, HEADERS), version)
    return errors_of([*problems, *kept])


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
