"""Apply bundles to new patients: the function behind ``residua predict``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from residua.bundle.read import read_bundle
from residua.cluster.processors import default_workers
from residua.cluster.workflow import Watch
from residua.cohort.checks.headers import check_headers
from residua.cohort.checks.results import keep_problems
from residua.cohort.checks.voxels import CHECK_FAILED, check_voxels
from residua.cohort.places import PROBLEMS, RESULTS, VOXELS
from residua.cohort.table.files import check_files, drawn_on, kinds_of
from residua.errors import ResiduaError
from residua.inference.brain_weights import require_given_weights
from residua.inference.bundles import Bundle, shared_study
from residua.inference.dicom_masks import write_dicom_masks
from residua.inference.dicom_scans import FromDicom, all_unusable, convert_scans, find_series
from residua.inference.folder import TABLE, prepare_folder, write_patients
from residua.inference.input_warnings import notes_of, warnings_among
from residua.inference.new_patients import load_new_patients
from residua.inference.request import NewPatient, patients_below, patients_of_table, require_known
from residua.inference.workflow import run_workflow
from residua.problems.lists import errors_of
from residua.problems.problem import Problem
from residua.publishing.as_made import read_as_made
from residua.settings.application import Missing, Validation
from residua.settings.machine import Device
from residua.settings.study import Study

OUTCOMES = "results/patients.json"


@dataclass(frozen=True)
class Listener:
    """Whom a call tells how far it is: notes, the numbers of checked and of all patients, and the workflow's log."""

    note: Callable[[str], None] = lambda text: None
    checked: Callable[[int, int], None] = lambda done, total: None
    log: Watch = lambda text: None


def open_checked(bundles: Sequence[Path]) -> tuple[Study, tuple[Bundle, ...]]:
    """Return the bundles of a call, every file of them checked, and the study whose settings they share.

    Raises ``ResiduaError`` for a bundle that is damaged or unsafe, and for bundles that do not go together.
    """
    opened = tuple(Bundle(str(path.absolute()), read_bundle(path)) for path in bundles)
    return shared_study(opened, TABLE), opened


def predict(
    patients: Path | Sequence[NewPatient],
    bundles: Sequence[Path],
    out: Path,
    cores: int | None = None,
    profile: str | None = None,
    listener: Listener = Listener(),
    missing: Missing = "refuse",
    validation: Validation | None = None,
    device: Device = "auto",
) -> list[dict[str, Any]]:
    """Apply the bundles to new patients, and return the record of each patient: ``out/results/patients.json``.

    ``patients`` are a cohort table, a folder of one sub-folder per patient, or patients with their files by column. A
    folder in place of a file is a DICOM series; one of T1w-CE also gets the mask as DICOM SEG.
    Every patient gets the best bundle that the given sequences allow; ``missing`` zeros also gives zeros to models that
    were never trained to do without a sequence. A patient whose scans cannot be used leaves the
    others alone; the record says why. An interrupted call continues when it is repeated. With a ``validation`` the
    bundles are measured, too (``residua.validation``). ``device`` says whether jobs use graphics cards, as
    ``machine.device`` does.
    Raises ``ResiduaError`` when the call as a whole cannot be carried out.
    """
    study, opened = open_checked(bundles)
    require_given_weights(study, out)
    given = _patients(patients, study)
    dicom = _prepare(given, bundles, out, study, missing, validation, device, listener)
    workers = cores or default_workers()
    written = study.model_copy(update={"cohort": str(out / TABLE)})
    judged = validation is not None
    warnings = check_patients(written, opened, out, workers, listener.checked, missing, dicom.problems, judged)
    for note in notes_of(warnings, str(out / OUTCOMES)):
        listener.note(note)
    run_workflow(out, workers, profile, listener.log)
    outcomes: list[dict[str, Any]] = read_as_made(out, OUTCOMES)
    for note in write_dicom_masks(outcomes, dicom, study.sequences.reference, opened, out):
        listener.note(note)
    return outcomes


def _prepare(
    patients: Sequence[NewPatient],
    bundles: Sequence[Path],
    out: Path,
    study: Study,
    missing: Missing,
    validation: Validation | None,
    device: Device,
    listener: Listener,
) -> FromDicom:
    """Write the folder of an application, and the scans that are DICOM series into it."""
    found = find_series(patients, study)
    _require_usable(patients, found)
    for note in prepare_folder(out, bundles, found.placed(patients, out), study, missing, validation, device):
        listener.note(note)
    converted = convert_scans(found, out)
    _require_usable(patients, converted)
    if converted.unusable:
        write_patients(out, converted.placed(patients, out), study)
    for unusable in converted.unusable:
        listener.note(str(unusable))
    return converted


def _require_usable(patients: Sequence[NewPatient], found: FromDicom) -> None:
    if faults := all_unusable(patients, found):
        raise ResiduaError(faults)


def _patients(given: Path | Sequence[NewPatient], study: Study) -> Sequence[NewPatient]:
    if isinstance(given, Path):
        return patients_below(given, study) if given.is_dir() else patients_of_table(given, study)
    require_known(given, study)
    return given


def check_patients(
    study: Study,
    bundles: Sequence[Bundle],
    out: Path,
    workers: int,
    progress: Callable[[int, int], None],
    missing: Missing = "refuse",
    known: Sequence[Problem] = (),
    judged: bool = False,
) -> list[Problem]:
    """Read every voxel of sound headers once, and leave the errors where the workflow in ``out`` looks for them.

    Returns the warnings. ``known`` are errors that were found before. Reference standards are read where the bundles
    are ``judged``.
    """
    everyone = load_new_patients(study, bundles, missing=missing, judged=judged).cohort
    folder = out / RESULTS
    (folder / PROBLEMS).mkdir(parents=True, exist_ok=True)
    candidates = [patient for patient in everyone.patients.values() if not patient.excluded]
    # Without the errors of earlier calls, which are judged anew: they are kept for this call's workflow, or forgotten.
    headers = check_headers(study, candidates)
    unreadable = errors_of([*check_files(study, candidates), *headers])
    unsound = {problem.patient for problem in unreadable}
    sound = [patient for patient in candidates if patient.patient not in unsound]
    found = check_voxels(sound, kinds_of(study), drawn_on(study), out / VOXELS, workers, progress)
    problems = [Problem.from_json(record) for record in found["problems"]]
    read = {(patient.patient, column) for patient in candidates for column in patient.files}
    to_keep = [problem for problem in known if (problem.patient, problem.subject) in read]
    to_keep += [problem for problem in problems if problem.check != CHECK_FAILED]
    for batch, members in everyone.candidates.items():
        own = [problem for problem in to_keep if problem.patient in members]
        kept = [patient for patient in candidates if patient.patient in members]
        keep_problems(str(folder / PROBLEMS / f"{batch}.json"), kept, own)
    return warnings_among([*headers, *problems], found["stripped"], study, candidates)
