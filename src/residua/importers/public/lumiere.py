"""LUMIERE: 91 patients of the Inselspital Bern with all their follow-ups, each rated by an expert.

Source: Suter et al., "The LUMIERE dataset: Longitudinal Glioblastoma MRI with expert RANO evaluation", Scientific Data
9 (2022) 768, doi:10.1038/s41597-022-01881-7; the data: figshare collection 5904905; the authors' page of the code that
made it, github.com/ysuter/gbm-data-longitudinal.

What is documented:
- ``Imaging/Patient-001/week-000-1/CT1.nii.gz`` with ``T1``, ``T2``, ``FLAIR`` beside it, each in its own native grid,
  brain extracted. Weeks count from the first pre-operative scan, in days divided by seven and rounded down; a suffix
  distinguishes scans of one week, not always in the order of time.
- Two automatic segmentations, neither corrected by hand, back in the grid of CT1:
  ``HD-GLIO-AUTO-segmentation/native/segmentation_CT1_origspace.nii.gz`` (1 non-enhancing signal change, 2 enhancing)
  and ``DeepBraTumIA-segmentation/native/segmentation/ct1_seg_mask.nii.gz`` (enhancing, necrosis, oedema).
- ``LUMIERE-ExpertRating-*.csv``: ``Patient``, ``Date`` (the week folder), ``Rating (according to RANO, …)``, among them
  Pre-Op and Post-Op; ``LUMIERE-Demographics_Pathology.csv``; ``LUMIERE-MRinfo.csv``.

Here the post-operative scan is the first one rated Post-Op, and the pre-operative the last one rated Pre-Op before it
(in one week the rating decides). On request every scan rated Post-Op is used; after another operation its pre-operative
scan is one rated Pre-Op since the earlier. ``residual`` is HD-GLIO-AUTO's value 2. ``pre_tumor`` is DeepBraTumIA's 1
and 2 together: readers of the set disagree which of the two is necrosis, and their union is the same either way.

Not evidence: the date of surgery is not given and weeks are no hours. A Post-Op scan of week 0 is less than 168 h after
the pre-operative scan and so after surgery, which is not 72 h. No scan is early post-operative unless it is assumed.
Not verified: the exact columns of ``LUMIERE-MRinfo.csv``; what does not fit stays empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from residua.errors import ResiduaError
from residua.importers.cells import demographics
from residua.importers.found import STRIPPED, Found
from residua.importers.public.records import Records, cell
from residua.importers.public.sessions import PublicOptions, PublicSet, Rule, Session, Sessions, SetImport, session_of
from residua.importers.tree import entries, files_below, volume_name
from residua.importers.window import judged

LUMIERE = PublicSet(
    layout="lumiere",
    hospital="BERN",
    folders=r"Patient-\d{2,3}",
    example="Patient-001",
    images=("t1ce", "t1", "flair", "t2"),
    times=("pre", "post"),
    remarks=(
        "residual and pre_tumor are automatic segmentations without manual correction",
        "the hours from surgery to a scan are not documented; each patient's remark gives an upper bound",
        STRIPPED,
    ),
    residual=Rule("hd_glio", (2,), others=(1,)),
    pre_tumor=Rule("deepbratumia", (1, 2), others=(3,)),
)
_KINDS = {
    "ct1": "t1ce",
    "t1": "t1",
    "flair": "flair",
    "t2": "t2",
    "segmentation_ct1_origspace": "hd_glio",
    "ct1_seg_mask": "deepbratumia",
}
_WEEK = re.compile(r"week-(\d+)(?:-(\d+))?", re.IGNORECASE)
_WEEK_HOURS = 168


def find_lumiere(root: Path, options: PublicOptions) -> Found:
    """Find the patients below ``root``. Raises ``ResiduaError`` if they or the expert's ratings are missing."""
    importing = SetImport(LUMIERE, root, options)
    tables = importing.tables
    ratings = tables.find("Patient", "Rating (")
    if not ratings.rows:
        raise ResiduaError(
            f"{root}: no table with the columns Patient and Rating; put LUMIERE-ExpertRating-v202211.csv there: "
            "only this table identifies the pre- and post-operative scans"
        )
    people = tables.find("Patient", "Age at surgery", one_row_each="Patient")
    scanners = tables.find("Patient", "Sequence", "Manufacturer")
    for source_id, folder in importing.tree.patients.items():
        rows = people.of(source_id, "Patient")
        known = demographics(cell(rows[0], "Age at surgery"), cell(rows[0], "Sex")) if rows else {}
        for sessions in _chosen(importing, folder, _rated(ratings, source_id), options.every_scan):
            post = sessions["post"]
            scanner = _scanner(scanners, source_id, post)
            importing.add(source_id, sessions, known | scanner, (_interval(post),) if post else ())
    return judged(importing.found(), options.window)


def _rated(ratings: Records, patient: str) -> dict[str, str]:
    """Return the ratings in lower case by the name of the week's folder."""
    rated: dict[str, str] = {}
    for row in ratings.of(patient, "Patient"):
        week, rating = (cell(row, "Date") or cell(row, "Timepoint")).lower(), cell(row, "Rating (").lower()
        if rated.setdefault(week, rating) != rating:
            both = f"{rated[week] or 'nothing'} and {rating or 'nothing'}"
            raise ResiduaError(f"{ratings.file}: {patient}, {week} is rated {both}; keep the right row")
    return rated


def _chosen(importing: SetImport, folder: Path, rated: Mapping[str, str], every_scan: bool) -> list[Sessions]:
    """Return the two scans of a patient, or of each rating Post-Op; record why every other entry is not used."""
    weeks = {entry: match for entry in entries(folder) if (match := _WEEK.fullmatch(entry.name)) and entry.is_dir()}

    def is_rated(entry: Path, state: str) -> bool:
        return rated.get(entry.name.lower(), "").startswith(state)

    def in_time(entry: Path) -> tuple[int, bool, int]:
        week, repeat = weeks[entry].groups()
        return int(week), not is_rated(entry, "pre-op"), int(repeat or 0)

    ordered = sorted(weeks, key=in_time)

    def before(post: Path | None) -> Path | None:
        earlier = ordered[: ordered.index(post)] if post else ordered
        pre = next((entry for entry in reversed(earlier) if is_rated(entry, "pre-op")), None)
        since = earlier[earlier.index(pre) + 1 :] if pre else []
        operated = [is_rated(entry, "post-op") for entry in since]
        # A follow-up after a Post-Op scan: the next one rated Post-Op is of another operation.
        return pre if True not in operated or all(operated[operated.index(True) :]) else None

    posts = [entry for entry in ordered if is_rated(entry, "post-op")]
    wanted: list[Path | None] = [*posts] if every_scan else [*posts[:1]]
    chosen = {post: before(post) for post in wanted or [None]}
    used, which = {*chosen, *chosen.values()}, "a scan that is used" if every_scan else "one of the two scans"
    for entry in entries(folder):
        if entry not in weeks:
            importing.leave(entry, "unknown file or folder")
        elif entry not in used:
            importing.leave(entry, f"rated {rated.get(entry.name.lower()) or 'nothing'}: not {which}")
    return [
        {"pre": _session(pre) if pre else None, "post": _session(post) if post else None}
        for post, pre in chosen.items()
    ]


def _session(folder: Path) -> Session:
    def is_needed(file: Path) -> bool:
        # A session has dozens of by-products of the two segmentations; only their result in the grid of CT1 counts.
        return file.parent == folder or (volume_name(file) in _KINDS and "native" in file.parts)

    return session_of(folder.name, filter(is_needed, files_below(folder)), _KINDS.get)


def _interval(post: Session) -> str:
    match = _WEEK.fullmatch(post.name)
    weeks = int(match[1]) + 1 if match else 0
    return f"{post.name}: less than {weeks * _WEEK_HOURS} h after the first pre-operative scan"


def _scanner(scanners: Records, patient: str, post: Session | None) -> dict[str, str]:
    if post is None:
        return {}
    wanted = {"Timepoint": post.name.lower(), "Sequence": "ct1"}
    of_patient = scanners.of(patient, "Patient")
    rows = [row for row in of_patient if all(cell(row, name).lower() == text for name, text in wanted.items())]
    columns = {"manufacturer": "Manufacturer", "field_strength_t": "Field strength"}
    said = {column: {cell(row, name) for row in rows} - {""} for column, name in columns.items()}
    # Rows that contradict each other leave the cell empty.
    return {column: next(iter(texts)) for column, texts in said.items() if len(texts) == 1}
