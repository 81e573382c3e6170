"""RHUH-GBM: 40 patients of one hospital, scanned before surgery, within 72 h after it and at recurrence.

Source: Cepeda et al., "The Río Hortega University Hospital Glioblastoma dataset: A comprehensive collection of
preoperative, early postoperative and recurrence MRI scans (RHUH-GBM)", Data in Brief 50 (2023) 109617,
doi:10.1016/j.dib.2023.109617; the data: The Cancer Imaging Archive, doi:10.7937/4545-c905.

What is documented:
- NIfTI release ``RHUH-GBM_nii_v1/RHUH-0001/0/RHUH-0001_0_t1ce.nii.gz``; folders 0, 1, 2 are the pre-operative, the
  early post-operative and the recurrence scan; kinds ``t1``, ``t1ce``, ``t2``, ``flair``, ``adc``, ``segmentations``.
- Labels, at every time point, drawn by a network and corrected by two neurosurgeons: 1 necrosis, 2 peritumoral signal
  alteration (oedema and non-enhancing tumour), 3 enhancing tumour. A scan without enhancing rest has no value 3.
- Registered to the SRI24 atlas (each time point by itself), brain extracted, and already z-scored.
- ``clinical_data_TCIA_RHUH-GBM.csv``: ``Patient ID``, ``Age``, ``Sex`` and more. The early scan was made within 72 h of
  surgery; that is the evidence. No table says the hour, so ``hours_since_surgery`` stays empty.

Not verified: how the resection cavity is labelled after surgery (no value is documented for it). The authors' code for
the preparation uses values 1, 2, 4; listings of the released files have only 0 to 3, which are used here.
"""

from __future__ import annotations

from pathlib import Path

from residua.importers.cells import demographics
from residua.importers.found import STRIPPED, Found
from residua.importers.public.records import cell
from residua.importers.public.sessions import PublicOptions, PublicSet, Rule, Session, SetImport, session_of
from residua.importers.tree import entries, files_below

_SEGMENTATION = "segmentation"
RHUH_GBM = PublicSet(
    layout="rhuh-gbm",
    hospital="RHUH",
    folders=r"RHUH-\d{4}",
    example="RHUH-0001",
    images=("t1ce", "t1", "flair", "t2", "adc"),
    times=("pre", "post"),
    remarks=(
        "by the set's article, post-operative scans were made within 72 h of surgery; the hour is not given",
        "images are z-scored",
        STRIPPED,
    ),
    residual=Rule(_SEGMENTATION, (3,), others=(1, 2)),
    pre_tumor=Rule(_SEGMENTATION, (1, 3), others=(2,)),
)
_BEFORE, _EARLY, _RECURRENCE = "0", "1", "2"
RECURRENCE = "the recurrence scan"
_KINDS = {kind: kind for kind in RHUH_GBM.images} | {"segmentations": _SEGMENTATION, "seg": _SEGMENTATION}


def find_rhuh_gbm(root: Path, options: PublicOptions) -> Found:
    """Find the patients of the NIfTI release below ``root``. Raises ``ResiduaError`` if it is missing."""
    importing = SetImport(RHUH_GBM, root, options)
    clinical = importing.tables.find("Patient ID", "Age", "Sex", one_row_each="Patient ID")
    for source_id, folder in importing.tree.patients.items():
        sessions: dict[str, Session] = {}
        for entry in entries(folder):
            if entry.is_dir() and entry.name in (_BEFORE, _EARLY, *([_RECURRENCE] if options.every_scan else [])):
                sessions[entry.name] = session_of(f"time{entry.name}", files_below(entry), _kind)
            else:
                importing.leave(entry, RECURRENCE if entry.name == _RECURRENCE else "unknown file or folder")
        rows = clinical.of(source_id, "Patient ID")
        known = demographics(cell(rows[0], "Age"), cell(rows[0], "Sex")) if rows else {}
        pre = sessions.get(_BEFORE)
        if _EARLY in sessions or _RECURRENCE not in sessions:
            importing.add(source_id, {"pre": pre, "post": sessions.get(_EARLY)}, known)
        if _RECURRENCE in sessions:
            importing.add(source_id, {"pre": pre, "post": sessions[_RECURRENCE]}, known, reason=RECURRENCE)
    return importing.found()


def _kind(name: str) -> str | None:
    return _KINDS.get(name.rpartition("_")[2])
