"""The folder of an application: its configuration and its table, written once and compared at the next call."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from residua.errors import ResiduaError
from residua.inference.bundles import open_bundles
from residua.inference.given_files import GIVEN, GivenFiles
from residua.inference.request import NewPatient, columns_of
from residua.inference.unpacked import holds_others
from residua.publishing.publish import write_text
from residua.settings.application import BUNDLES, Missing, Validation, load_application
from residua.settings.machine import MACHINE, Device
from residua.settings.places import has_braces
from residua.settings.study import Study
from residua.settings.yaml_file import read_yaml

CONFIG, TABLE, LOG = "config.yaml", "cohort.tsv", "predict.log"


def prepare_folder(
    out: Path,
    bundles: Sequence[Path],
    patients: Sequence[NewPatient],
    study: Study,
    missing: Missing = "refuse",
    validation: Validation | None = None,
    device: Device = "auto",
) -> list[str]:
    """Write the configuration and the table of an application into ``out``; return what is to be said about it.

    A folder that another call began is continued when it has the same bundles and no further patients: nothing that it
    holds is lost. Raises ``ResiduaError`` for any other folder that is not empty.
    """
    if out.is_file():
        raise ResiduaError(f"{out}: is a file; name a folder")
    if has_braces(str(out)):
        raise ResiduaError(f"{out}: holds {{ or }}, which the workflow takes for a placeholder; name another folder")
    named = [str(bundle.absolute()) for bundle in bundles]
    notes: list[str] = []
    given = GivenFiles(out / GIVEN)
    # The authors' model of the brain mask is put there before the first call.
    if out.is_dir() and any(entry.name != study.brain_mask.weights for entry in out.iterdir()):
        _require_same_bundles(out, named)
        notes = _changes(out, patients, given)
    zeros = {"missing": missing} if missing != "refuse" else {}
    judged = {"validation": validation.model_dump(mode="json")} if validation else {}
    machine = {MACHINE: {"device": device}} if device != "auto" else {}
    content = {BUNDLES: named, "cohort": TABLE, **zeros, **judged, **machine}
    load_application(content)
    write_patients(out, patients, study)
    write_text(out / CONFIG, yaml.safe_dump(content, sort_keys=False))
    given.keep(file for patient in patients for file in _files_of(patient))
    return notes


def write_patients(out: Path, patients: Sequence[NewPatient], study: Study) -> None:
    """Write the table of an application."""
    write_text(out / TABLE, _as_table(patients, columns_of(patients, study)))


def _require_same_bundles(out: Path, named: Sequence[str]) -> None:
    config = out / CONFIG
    content = read_yaml(config) if config.is_file() else None
    if not isinstance(content, dict) or BUNDLES not in content:
        what = "holds a study" if (out / "results").is_dir() or content is not None else "is not empty"
        raise ResiduaError(f"{out}: {what}, and no application that could be continued; name a new folder")
    before = load_application(content).bundles
    if set(before) != set(named):
        raise ResiduaError(
            f"{out}: holds results of other bundles ({', '.join(before)}); name a new folder, so that the results of "
            "different models do not mix"
        )
    if holds_others(out, open_bundles(named)):
        raise ResiduaError(
            f"{out}: holds results of other models than are now in {', '.join(named)}, which was replaced or changed; "
            "name a new folder, so that the results of different models do not mix"
        )


def _changes(out: Path, patients: Sequence[NewPatient], given: GivenFiles) -> list[str]:
    """Return a note for each patient whose files are others than before; refuse to drop a patient."""
    before = _rows(out / TABLE)
    now = {patient.patient: patient for patient in patients}
    lost = [patient for patient in before if patient not in now]
    if lost:
        shown = ", ".join(lost[:5]) + (" …" if len(lost) > 5 else "")
        raise ResiduaError(
            f"{out}: holds results of {len(lost)} patient(s) whom this call does not name ({shown}); name a new "
            "folder, or give all patients in one table"
        )
    return [
        f"patient {patient}: other files than in the last call; the results are made again"
        for patient, row in before.items()
        if _filled(row) != _filled(now[patient].row()) or any(map(given.was_replaced, _files_of(now[patient])))
    ]


def _files_of(patient: NewPatient) -> list[str]:
    row = patient.row()
    return [row[column] for column in patient.files]


def _filled(row: Mapping[str, str]) -> dict[str, str]:
    return {column: cell for column, cell in row.items() if cell}


def _rows(table: Path) -> dict[str, dict[str, str]]:
    if not table.is_file():
        return {}
    rows = csv.DictReader(io.StringIO(table.read_text(encoding="utf-8")), delimiter="\t")
    return {row["patient"]: row for row in rows}


def _as_table(patients: Sequence[NewPatient], columns: Sequence[str]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, delimiter="\t", restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(patient.row() for patient in patients)
    return stream.getvalue()
