"""Checks for traces of identity in headers and names. A message names the place and the kind, never the trace."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from residua.problems.problem import Problem
from residua.problems.severity import problem_of

TEXT_FIELDS = ("descrip", "aux_file", "intent_name", "db_name")
DICOM = 2
_KINDS = {
    DICOM: "DICOM",
    4: "AFNI",
    6: "comment",
    8: "XCEDE",
    12: "workflow",
    14: "FreeSurfer",
    16: "Python pickle",
    18: "MIND",
    32: "CIFTI",
    40: "MATLAB",
    44: "MRS",
}
_NAME = re.compile(r"[^\W\d_]{2,}\^[^\W\d_]")
_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_DATES = re.compile(
    rf"(?<!\d)(?:{_YEAR}{_MONTH}{_DAY}|{_DAY}{_MONTH}{_YEAR}|{_YEAR}[-./_]{_MONTH}[-./_]{_DAY}"
    rf"|{_DAY}[-./_]{_MONTH}[-./_]{_YEAR})(?!\d)"
)
_NUMBER = re.compile(r"(?<!\d)\d(?:[ -]?\d){8,}(?!\d)")
"""National and hospital numbers have nine digits and more."""
_WORDS = frozenset(
    (
        *("patientname", "patientid", "patientsname", "lastname", "firstname", "surname"),
        *("dob", "birthdate", "birthday", "dateofbirth", "patientbirthdate"),
        *("mrn", "ssn", "nhs", "bsn", "cpr", "fnr", "personnummer", "fodselsnummer"),
    )
)
_IDENTIFYING_TAGS = {(0x10, 0x10), (0x10, 0x20), (0x10, 0x30), (0x10, 0x40), (0x10, 0x1000), (0x10, 0x1040)}
_TAG_NAMES = re.compile(rb"Patient'?s?[ _]?(?:Name|ID|Birth)", re.IGNORECASE)
_EMPTIED = re.compile(rb"^\W*$|anon|remov|delet|de-?ident", re.IGNORECASE)
_CLEAR = "check whether it identifies anyone, and clear it before the file leaves the hospital"
_RENAME = "rename it if it identifies anyone, and correct the table"
_NEAREST_FOLDERS = 3


class Extension(NamedTuple):
    """One extension of a NIfTI header: its kind (ecode) and its content."""

    kind: int
    content: bytes

    @property
    def name(self) -> str:
        """Return the kind in words."""
        return _KINDS.get(self.kind, f"unknown (number {self.kind})")


def trace_of(text: str) -> str | None:
    """Return the kind of identity that ``text`` may hold; None if there is no trace."""
    if _NAME.search(text):
        return "a person's name as DICOM writes it"
    if _DATES.search(text):
        return "a date"
    if _NUMBER.search(text):
        return "a long number, such as that of a patient or a record"
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).casefold()) + re.findall(
        r"[^\W\d_]+", text.casefold()
    )
    if _WORDS & set(words):
        return "a heading of personal data, such as a date of birth"
    return None


def text_warnings(texts: dict[str, str]) -> list[Problem]:
    """Return a warning for each text field of the header, by name, that may identify a person."""
    found = {field: trace for field, text in texts.items() if (trace := trace_of(text))}
    return [
        problem_of("identity-in-header", f"the header's field {field} may hold {trace}", _CLEAR)
        for field, trace in found.items()
    ]


def extension_problems(extensions: tuple[Extension, ...]) -> list[Problem]:
    """Return a warning for each extension of a header, which may hold anything; an error if it names a patient."""
    problems = []
    for extension in dict.fromkeys(extensions):
        if names_patient(extension):
            what = f"the header's {extension.name} extension holds a patient's name, number or date of birth"
            remedy = "remove the extension, or convert the series again without it"
            problems.append(problem_of("identity-in-extension", what, remedy))
        else:
            what = f"the header has an extension of kind {extension.name}, which may identify a person"
            problems.append(problem_of("header-extension", what, "check what it holds, and remove it"))
    return problems


def names_patient(extension: Extension) -> bool:
    """Return whether an extension names a patient: a DICOM element that is not empty, or the name of one."""
    if extension.kind != DICOM:
        return bool(_TAG_NAMES.search(extension.content))
    return any(_has_element(extension.content, tag) for tag in _IDENTIFYING_TAGS)


def _has_element(content: bytes, tag: tuple[int, int]) -> bool:
    for order in ("little", "big"):
        key = b"".join(number.to_bytes(2, order) for number in tag)
        place = content.find(key)
        while place >= 0:
            after = content[place + 4 : place + 12]
            # Explicit elements name their type in two letters and then give a shorter length.
            explicit = after[:2].isalpha()
            length = int.from_bytes(after[2:4] if explicit else after[:4], order)
            begin = place + 8
            value = content[begin : begin + length] if length <= 1024 else b""
            if not _EMPTIED.search(value):
                return True
            place = content.find(key, place + 1)
    return False


def path_warnings(path: str, folder: str) -> list[Problem]:
    """Return a warning for each name that may identify a person: the file's, and of its folders below ``folder``."""
    inside = os.path.relpath(path, folder)
    parts = inside.split(os.sep)
    if os.pardir in parts:
        # Elsewhere, above what the data came with, the folders are the computer's.
        parts = [part for part in parts if part != os.pardir][-_NEAREST_FOLDERS:]
    warned = []
    for depth, part in enumerate(reversed(parts)):
        trace = trace_of(part.partition(".nii")[0])
        if trace:
            where = "the file's name" if depth == 0 else f"the name of the folder {depth} above the file"
            warned.append(problem_of("identity-in-name", f"{where} may hold {trace}", _RENAME))
    return warned
