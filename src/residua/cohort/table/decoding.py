"""Decode the bytes of a table, or say in one sentence what else they are."""

from __future__ import annotations

import codecs
import re

from residua.problems.problem import Problem
from residua.problems.severity import problem_of

_GZIP = b"\x1f\x8b"
_PAGE = re.compile(r"\s*<(\?xml|!doctype|html|head|meta|table)\b", re.IGNORECASE)
_SAMPLE_BYTES = 4096
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")


def decoded(content: bytes, path: str) -> tuple[str, list[Problem]]:
    """Return the text of ``content``: UTF-8, or UTF-16 with its byte order mark; otherwise a problem that names it.

    Never guesses an encoding: with a wrong one, a name finds no file, or a reason for exclusion reads ``Ã©``.
    """
    if content.startswith(_GZIP):
        return "", [problem_of("table-encoding", "the table is compressed (gzip)", "unpack it", file=path)]
    is_marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        return "", [_undecodable(content, error.start, path)]
    if not is_marked and _is_utf16(content[:_SAMPLE_BYTES]):
        what = "the table seems to be UTF-16 without a byte order mark"
        return "", [problem_of("table-encoding", what, "save it in UTF-8", file=path)]
    if _PAGE.match(text):
        what = "the table is a web page or XML, as some programs write under the name of a workbook"
        return "", [problem_of("table-encoding", what, "open it in Excel and save it as .xlsx or CSV", file=path)]
    return text, []


def _undecodable(content: bytes, place: int, path: str) -> Problem:
    what, remedy = "the table is not UTF-8 text", "save it as TSV or CSV in UTF-8"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        what = "the table begins as UTF-16 text and is damaged"
    elif not content.startswith(codecs.BOM_UTF8) and not _CONTROL.search(content.decode("latin_1")):
        # Bytes that are letters of Windows-1252 only are control characters of latin-1.
        is_windows = re.search(rb"[\x80-\x9f]", content) is not None
        name, codec = ("Windows-1252", "CP1252") if is_windows else ("latin-1 (ISO 8859-1)", "LATIN1")
        line = len(re.findall(rb"\r\n|\r|\n", content[:place])) + 1
        what += f" and seems to be {name}: byte 0x{content[place]:02X} in line {line}"
        remedy += f", or convert it: iconv -f {codec} -t UTF-8 TABLE > NEW"
    return problem_of("table-encoding", what, remedy, file=path)


def _is_utf16(sample: bytes) -> bool:
    """Return whether about every second byte is zero, as in Latin text with two bytes per letter."""
    return max(sample[0::2].count(0), sample[1::2].count(0)) > len(sample) // 4
