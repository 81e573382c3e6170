"""What is known to be wrong with patients when a run starts: missing files, headers, and what voxels told before."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

from residua.cohort.checks.results import standing_findings
from residua.cohort.cohort import judged_cohort
from residua.cohort.table.files import check_files
from residua.cohort.table.patients import Patient
from residua.problems.problem import Problem, errors_of
from residua.publishing.publish import read_json, write_json
from residua.settings.study import Study

FINDINGS = "findings"
HEADERS = "headers.json"


def known_problems(study: Study, table_path: str, folder: str, version: str) -> list[Problem]:
    """The errors of candidates: patients whom neither the table nor the protocol leaves out.

    ``folder`` is ``results/cohort``, where findings of earlier runs are; ``version`` that of the code that checks.
    Nothing is kept while the folder is not there: planning a study writes nothing.
    """
    cohort, _ = judged_cohort(study, table_path, placed=False)
    candidates = {name: patient for name, patient in cohort.patients.items() if not patient.excluded}
    problems = check_files(study, candidates.values())
    problems += known_headers(study, list(candidates.values()), os.path.join(folder, HEADERS), version)
    problems += standing_findings(os.path.join(folder, FINDINGS), candidates)
    return errors_of(problems)


def known_headers(study: Study, patients: Sequence[Patient], kept: str, version: str) -> list[Problem]:
    """What ``check_headers`` finds; read from the file ``kept`` if nothing has changed since it was written."""
    state = _state(study, patients, version)
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = read_json(kept)
        if record["state"] == state:
            return [Problem(**problem) for problem in record["problems"]]
    # Only here: reading headers takes an image library.
    from residua.cohort.checks.headers import check_headers

    problems = check_headers(study, patients)
    if os.path.isdir(os.path.dirname(kept)):
        write_json(kept, {"state": state, "problems": [problem.to_json() for problem in problems]})
    return problems


def _state(study: Study, patients: Sequence[Patient], version: str) -> str:
    """A digest of all that the headers' verdict depends on: the rows, the study's columns and what the files are."""
    rows = [[asdict(patient), [_status(path) for path in patient.files.values()]] for patient in patients]
    asked = [version, study.sequences.model_dump(mode="json"), study.labels, study.brain_mask.method]
    return hashlib.sha256(json.dumps([asked, rows], sort_keys=True, default=str).encode()).hexdigest()


def _status(path: str) -> list[int]:
    try:
        status = os.stat(path)
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns, status.st_mode]
