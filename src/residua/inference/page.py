"""The page of one new patient as HTML: one file that loads no other."""

from __future__ import annotations

from residua.inference.contents import RESEARCH, Contents
from residua.pages.layout import rendered


def patient_page(contents: Contents, picture: str = "", where: str = "") -> str:
    """Render the page; ``picture`` is a data URI and ``where`` says where its slices lie; both empty: none."""
    texts = {**vars(contents), "research": RESEARCH, "picture": picture, "where": where}
    return rendered("residua.inference", "patient.html", **texts)
