"""Cite publications: sentences hold Pandoc's citations, such as ``[@helland2023]``, of references.bib."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

CITATION = re.compile(r" ?\[(@[a-z]+\d{4}[a-z]?(?:; @[a-z]+\d{4}[a-z]?)*)\]")
"""One citation of one or several publications, with the space before it."""
_ENTRY = re.compile(r"^@(\w+)\{(\w+),\n((?:  \w+ = \{.*\},?\n)+)\}$", re.MULTILINE)
_FIELD = re.compile(r"^  (\w+) = \{(.*)\},?$", re.MULTILINE)


@dataclass(frozen=True)
class Reference:
    """A publication: its key, its fields as BibTeX has them, and the whole entry."""

    key: str
    fields: Mapping[str, str]
    entry: str

    @property
    def authors(self) -> tuple[str, ...]:
        """The family names; the last is "others" where the entry names the first authors alone."""
        return tuple(name.partition(",")[0] for name in self.fields["author"].split(" and "))

    @property
    def short(self) -> str:
        """The authors and the year, as in running text."""
        names = self.authors
        if len(names) > 2:
            return f"{names[0]} et al. {self.fields['year']}"
        return f"{' and '.join(names)} {self.fields['year']}"

    @property
    def full(self) -> str:
        """The publication as in a list of references."""
        names = [*self.authors[:3], "et al."] if len(self.authors) > 3 else list(self.authors)
        listed = ", ".join("et al." if name == "others" else name for name in names)
        where = self.fields.get("journal") or self.fields["booktitle"]
        place = " ".join(part for part in (where, self.fields.get("volume")) if part)
        pages = f":{self.fields['pages']}" if "pages" in self.fields else ""
        # BibTeX's braces keep capitals, its two hyphens are a dash.
        text = f"{listed} ({self.fields['year']}). {self.fields['title']}. {place}{pages}."
        return re.sub(r"[{}\\]", "", text).replace("--", "–") + self._number

    @property
    def _number(self) -> str:
        if "doi" in self.fields:
            return f" doi:{self.fields['doi']}"
        return f" arXiv:{self.fields['eprint']}" if "eprint" in self.fields else ""


@cache
def library() -> Mapping[str, Reference]:
    """Return all publications that a run may cite, by key."""
    text = files("residua.report").joinpath("references.bib").read_text(encoding="utf-8")
    return {found[2]: Reference(found[2], dict(_FIELD.findall(found[3])), found[0]) for found in _ENTRY.finditer(text)}


def keys_of(citation: str) -> list[str]:
    """Return the keys of one citation, without its brackets: ``@efron1987; @holm1979``."""
    return [key.removeprefix("@") for key in citation.split("; ")]


def cited(texts: Iterable[str]) -> list[Reference]:
    """Return the publications that texts cite, by the first author's name and the year, each once."""
    keys = {key for text in texts for found in CITATION.finditer(text) for key in keys_of(found[1])}
    return [library()[key] for key in sorted(keys)]


def spelled_out(text: str) -> str:
    """Write the authors and the year in place of each citation.

    >>> spelled_out("Intervals are from the bootstrap [@efron1987].")
    'Intervals are from the bootstrap (Efron 1987).'
    """
    return CITATION.sub(lambda found: f" ({'; '.join(library()[key].short for key in keys_of(found[1]))})", text)


def bibliography(references: Iterable[Reference]) -> str:
    """Return the contents of a BibTeX file."""
    return "\n\n".join(reference.entry for reference in references) + "\n"
