from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser

from residua.cohort.commands.page import checks_page
from residua.cohort.commands.verdict import Verdict
from residua.problems.severity import problem_of

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
        problem_of("image-constant", "every voxel is 1", "copy it", "STO1", "post_t1", 2, f"images/{EVIL}.nii.gz"),
        problem_of("not-annotated", "not annotated", "give the mask", "GOT1", "residual", 3),
        problem_of("affine-oblique", "oblique", "look", "STO1", "post_t1ce", 2, "images/a.nii.gz"),
    )
    verdict = Verdict(problems, 3, False, {"STO1": "STO", "GOT1": "GOT", "PAR1": "PAR"})
    return checks_page(verdict, "cohort.tsv", "the study cannot run")


def test_the_page_tells_every_problem_and_the_totals() -> None:
    text = " ".join(" ".join(Reader(page()).words).split())
    for said in ("the study cannot run", "every voxel is 1", "copy it", "not annotated", "oblique", "image-constant"):
        assert said in text
    assert "STO" in text
    assert "GOT" in text


def test_cells_of_a_table_are_escaped_and_never_run() -> None:
    content = page()
    assert EVIL not in content
    assert "&lt;script&gt;alert(1)" in content
    reader = Reader(content)
    assert "alert(1)" not in " ".join(str(attributes) for tag, attributes in reader.tags if tag == "script")


def test_the_page_needs_nothing_beside_it() -> None:
    for _, attributes in Reader(page()).tags:
        for name in ("src", "href"):
            assert not (attributes.get(name) or "").startswith(("http", "//", "/"))


def test_the_policy_allows_the_script_of_the_page_alone() -> None:
    content = page()
    script = content[content.index("<script>") + len("<script>") : content.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in content
