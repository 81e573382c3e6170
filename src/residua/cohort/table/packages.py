"""The zip file in which a workbook lies, read with bounds: nothing is unpacked without limit."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree as Xml

from residua.cohort.table.sheets import UnreadableWorkbookError

MOST_BYTES = 256 << 20
"""Unpacked, all files of a workbook together."""
_REMEDY = "save the workbook again, or save the sheet as CSV (UTF-8)"


def opened(content: bytes) -> zipfile.ZipFile:
    """Return a workbook's files, all of which unpack within bounds.

    Raises ``UnreadableWorkbookError`` for a damaged file, and for one that unpacks to more than ``MOST_BYTES``.
    """
    try:
        package = zipfile.ZipFile(io.BytesIO(content))
        # Declared sizes first; the test then reads each file up to its declared size and compares the checksum.
        unpacked = sum(file.file_size for file in package.infolist())
        if unpacked <= MOST_BYTES:
            damaged = package.testzip()
    except Exception as error:  # zipfile and zlib have many for a damaged file.
        raise UnreadableWorkbookError(f"the workbook is damaged ({error})", _REMEDY) from None
    if unpacked > MOST_BYTES:
        what = f"the workbook unpacks to {unpacked >> 20} MiB, more than the {MOST_BYTES >> 20} MiB that are read"
        raise UnreadableWorkbookError(what, "save the sheet that holds the table as CSV (UTF-8)")
    if damaged:
        raise UnreadableWorkbookError(f"the workbook is damaged ({damaged})", _REMEDY)
    return package


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn every failure to understand a part of a workbook into ``UnreadableWorkbookError``."""
    try:
        yield
    except UnreadableWorkbookError:
        raise
    except Exception as error:  # Readers of damaged parts have many.
        raise UnreadableWorkbookError(f"the workbook is damaged ({what}: {error})", _REMEDY) from None


def elements(package: zipfile.ZipFile, part: str) -> Iterator[tuple[str, Xml.Element]]:
    """Yield "start" and "end" of every element of an XML part; names are ``plain``, and children are kept."""
    with package.open(part) as stream:
        for event, element in Xml.iterparse(stream, events=("start", "end")):
            if event == "start":
                element.tag = plain(element.tag)
                element.attrib = {plain(name): text for name, text in element.attrib.items()}
            yield event, element


def plain(name: str) -> str:
    """Return the name of an element or attribute without its namespace, with ``_`` for ``-``."""
    return name.rpartition("}")[2].replace("-", "_")
