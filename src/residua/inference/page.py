"""The page of one new patient as HTML: one file that loads no other."""

from __future__ import annotations

from residua.inference.contents import NO_FLAG, RESEARCH, Contents
from residua.pages.layout import rendered


def patient_page(contents: Contents, picture: str = "", where: str = "") -> str:
    """Render the page; ``picture`` is a data URI and ``where`` says where its slices lie; both empty: none."""
    return rendered(
        "residua.inference",
        "patient.html",
        research=RESEARCH,
        patient=contents.patient,
        state=contents.state,
        headlines=contents.headlines,
        cautions=contents.cautions,
        numbers=contents.numbers,
        given=contents.given,
        flags=contents.flags,
        no_flag=NO_FLAG if contents.headlines else "Not measured.",
        model=contents.model,
        picture=picture,
        where=where,
    )
