"""Leave paths, names of files and other patients out of what is told of a patient: a name may be a person's."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import PurePath

from residua.cohort.anonymous import anonymous

FILE, SCAN, UID = "a file", "a scan", "a UID"
"""What stands in place of a path, of the name of a scan, and of an identifier of DICOM."""
_SUFFIX = r"\.(?:nii|nrrd|nhdr|mha|mhd|mgz|mgh|mnc|hdr|img|dcm|ima)(?:\.gz)?"
_QUOTED = re.compile(r"(?<!\w)(['\"])((?:(?!\1)[^\n])+)\1(?!\w)")
_NO_PATH = r"(?!(?:and|or|either|mm|cm|m|ml|g|kg|n|w)/)"
"""Before a word with a slash that is none of a path: "and/or", "mm/s"."""
_START = re.compile(
    rf"(?<![\w./~^-])(?<!https:)(?<!http:)"
    rf"(?:(?P<root>(?:~\w*|\.\.?)?/+(?=[^\s/]))|{_NO_PATH}(?=[^\s/]*[^\W\d])[^\s/:;,()\[\]'\"]+/)"
)
"""Of a path from a root, or of one that may be: a word with letters and a slash."""
_CLAUSE = re.compile(r"[:;]\s|\n|$")
_END = re.compile(r"\.[A-Za-z]\w{0,6}(?:\.gz)?(?=[\s,;:)\]}'\"]|\.?(?:\s|$))")
"""Of a word that ends as the name of a file does."""
_NAME = re.compile(rf"[^\s/:;,()\[\]'\"]+{_SUFFIX}(?!\w)", re.IGNORECASE)
_UID = re.compile(r"(?<![\d.])\d+(?:\.\d+){4,}(?![\d.]*\d)")
_WORD = re.compile(r"[a-z]+")
_PATIENT = re.compile(r"\bpatient ([A-Za-z0-9]+)")


def without_traces(text: str, files: Mapping[str, str], patient: str = "", others: Collection[str] = ()) -> str:
    """Write its name for each file of ``files``, and nothing that tells of any other file or patient.

    ``files`` names files by path; ``patient`` is whom the text is about, ``others`` are the other patients of the call.
    Where a path ends is not always seen: rather than a part of it, words behind it are lost.

    >>> without_traces("/d/Doe, J/t1.nii: damaged, see /tmp/Doe, J/log.txt", {"/d/Doe, J/t1.nii": "T1w"})
    'T1w: damaged, see a file'
    >>> without_traces("the same file as t1 of patient P18 (P18_t1.nii.gz)", {}, "P17", ["P18"])
    'the same file as t1 of another patient (a scan)'
    >>> without_traces("x/Doe_Jane/t1.nii.gz is damaged and/or moved 3/4 of 10 mm/s", {})
    'a file is damaged and/or moved 3/4 of 10 mm/s'
    """
    known = {written: name for file, name in files.items() if file for written in (file, _quoted(file))}
    for file in sorted(known, key=len, reverse=True):
        text = text.replace(file, known[file])
    # Before anything is cut at quotes: names may hold some.
    text = _without_names(_with_plain_folders(text, known), files, patient)
    text = _without_paths(_QUOTED.sub(_unquoted, text))
    text = _UID.sub(UID, _NAME.sub(SCAN, text))
    text = _PATIENT.sub(lambda found: "another patient" if found[1] in others else found[0], text)
    return anonymous(text, others) if text else ""


def _quoted(file: str) -> str:
    """Write a path as Python does between quotes."""
    return repr(file)[1:-1]


def _with_plain_folders(text: str, files: Mapping[str, str]) -> str:
    """Shorten folders of the files, whatever letters their names have, to a path that ends where they end."""
    folders = {str(folder) for file in files for folder in PurePath(file).parents if folder.name}
    for folder in sorted(folders, key=len, reverse=True):
        text = re.sub(rf"(?<![\w.~-]){re.escape(folder)}(?![\w.~-])", "/_/_.x", text)
    return text


def _unquoted(found: re.Match[str]) -> str:
    quoted = found[2]
    ends_as_file = _NAME.search(quoted) or _END.search(quoted, max(quoted.rfind("."), 0))
    return FILE if ends_as_file or _START.search(quoted) else found[0]


def _without_paths(text: str) -> str:
    told, place = "", 0
    while found := _START.search(text, place):
        ending = _CLAUSE.search(text, found.end())
        clause = ending.start() if ending else len(text)
        file = _END.search(text, found.end(), clause)
        if found["root"] is None and not file and "/" not in text[found.end() : clause]:
            told, place = told + text[place : found.end()], found.end()
            continue
        told += text[place : found.start()] + FILE
        place = file.end() if file else clause
    return told + text[place:]


def _without_names(text: str, files: Mapping[str, str], patient: str) -> str:
    """Write its name for each file of which the text gives the last part of the path, with its ending or without."""
    names: dict[str, str] = {}
    for file, name in files.items():
        last = PurePath(file).name
        stem = re.sub(rf"{_SUFFIX}$", "", last, flags=re.IGNORECASE)
        names |= dict.fromkeys((last, stem, _quoted(last), _quoted(stem)), name)
    for last in sorted(names, key=len, reverse=True):
        # A plain word, such as "mask", may mean anything.
        if last and last != patient and not _WORD.fullmatch(last):
            text = re.sub(rf"(?<![\w./-]){re.escape(last)}(?![\w-])", names[last].replace("\\", r"\\"), text)
    return text
