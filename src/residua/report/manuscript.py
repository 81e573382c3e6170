"""Write what a manuscript takes from a run: methods with Pandoc's citations, the publications, and the checklists."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from residua.publishing.publish import write_text
from residua.report.checklist_answers import Run, answers
from residua.report.checklists import LISTS, checklist
from residua.report.citations import CITATION, Reference, bibliography, cited
from residua.report.cohort import eligibility
from residua.report.methods import Passage
from residua.report.wording import counted
from residua.tables.render import to_csv, to_markdown

_SPECIAL = re.compile(r"([\\`*_<>\[\]$~^@|])")
"""Characters that Markdown would take for its own, wherever they stand."""


def write_manuscript(folder: Path, run: Run) -> None:
    """Write the methods, the publications that they cite, and each checklist as Markdown and CSV."""
    rated = (f"{counted(run.raters, 'rater')} marked residual tumour in held-out patients.",) if run.raters else ()
    by_inputs = eligibility(run.study.eligibility, run.cases)
    patients = Passage("Patients", (*run.cohort.sentences, by_inputs, *rated))
    passages = (run.passages[0], patients, *run.passages[1:])
    references = cited(texts_of(passages))
    write_text(folder / "methods.md", methods_file(run.study.title, passages, references))
    write_text(folder / "references.bib", bibliography(references))
    known = answers(run)
    for name in LISTS:
        filled = checklist(name, known)
        write_text(folder / f"{name}.md", to_markdown(filled))
        write_text(folder / f"{name}.csv", to_csv(filled))


def texts_of(passages: Sequence[Passage]) -> list[str]:
    """Return all texts that may cite publications."""
    return [text for passage in passages for text in (*passage.paragraphs, *(meaning for _, meaning in passage.terms))]


def methods_file(title: str, passages: Sequence[Passage], references: Sequence[Reference]) -> str:
    """Return the Markdown file, with a title block that names ``references.bib``."""
    head = [
        "---",
        f"title: {json.dumps(f'Methods: {title}', ensure_ascii=False)}",
        "bibliography: references.bib",
        "---",
        "",
        "<!-- pandoc --citeproc methods.md --output methods.docx -->",
    ]
    blocks = [block for passage in passages for block in _blocks(passage)]
    last = ["## References", "::: {#refs}\n:::"] if references else []
    return "\n\n".join(["\n".join(head), *blocks, *last]) + "\n"


def escaped(text: str) -> str:
    r"""Keep Markdown from taking characters for its own, but for citations.

    >>> escaped("the <sum> of [@helland2023] and |A|")
    'the \\<sum\\> of [@helland2023] and \\|A\\|'
    """
    kept, begin = [], 0
    for found in CITATION.finditer(text):
        kept += [_SPECIAL.sub(r"\\\1", text[begin : found.start()]), found[0]]
        begin = found.end()
    return "".join([*kept, _SPECIAL.sub(r"\\\1", text[begin:])])


def _blocks(passage: Passage) -> list[str]:
    blocks = [f"## {escaped(passage.heading)}", *map(escaped, passage.paragraphs)]
    if passage.terms:
        blocks.append("\n".join(f"- **{escaped(term)}**: {escaped(meaning)}" for term, meaning in passage.terms))
    if passage.settings:
        rows = [f"| {escaped(name)} | {escaped(value)} |" for name, value in passage.settings]
        blocks.append("\n".join(["| Setting | Value |", "| --- | --- |", *rows]))
    return blocks
