from __future__ import annotations

from html.parser import HTMLParser

from residua.cohort.commands.page import checks_page
from residua.cohort.commands.verdict import Verdict
from residua.problems.problem import Problem

EVIL = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Collects tags and the text that a reader sees."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page() -> str:
    problems = (
        Problem("every voxel is 1", "copy it", 2, "STO1", "post_t1", f"images/{EVIL}.nii.gz", check="image-constant"),
        Problem("not annotated", "give the mask", 3, "GOT1", "residual", None, "ineligible", "not-annotated"),
        Problem("oblique", "look", 2, "STO1", "post_t1ce", "images/a.nii.gz", "warning", "affine-oblique"),
    )
    verdict = Verdict(problems, 3, False, {"STO1": "STO", "GOT1": "GOT", "PAR1": "PAR"})
    return checks_page(verdict, "cohort.tsv", "the study cannot run")


def test_the_page_tells_every_problem_and_the_totals() -> None:
    text = " ".join(" ".join(Reader(page()).words).split())
    for said in ("the study cannot run", "every voxel is 1", "copy it", "not annotated", "oblique", "image-constant"):
        assert said in text
    assert "STO" in text
    assert "GOT" in text


def test_what_a_table_holds_is_text_and_never_runs() -> None:
    content = page()
    assert EVIL not in content
    assert "&lt;script&gt;alert(1)" in content
    reader = Reader(content)
    assert "alert(1)" not in " ".join(str(attributes) for tag, attributes in reader.tags if tag == "script")


def test_the_page_needs_nothing_beside_it() -> None:
    for _, attributes in Reader(page()).tags:
        for name in ("src", "href"):
            assert not (attributes.get(name) or "").startswith(("http", "//", "/"))
