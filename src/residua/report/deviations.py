"""Where a run differs from the article: the one list behind ``docs/explanation/deviations.md`` and the report.

``residua schema`` writes the page.
"""

from __future__ import annotations

from collections.abc import Sequence

from residua.report.article_settings import ARTICLE_SETTINGS
from residua.report.deviation import Deviation
from residua.report.deviations_of_choices import OF_CHOICES
from residua.report.deviations_of_evaluation import OF_EVALUATION
from residua.report.deviations_of_images import OF_IMAGES
from residua.report.deviations_of_networks import OF_AGUNET, OF_NNUNET, OF_PROBABILITIES
from residua.report.wording import plain
from residua.settings.study import Study

DEVIATIONS = (*OF_IMAGES, *OF_NNUNET, *OF_AGUNET, *OF_CHOICES, *OF_PROBABILITIES, *OF_EVALUATION)


def applying(study: Study) -> list[Deviation]:
    """Return the deviations that apply to this study."""
    return [deviation for deviation in DEVIATIONS if deviation.applies(study)]


def to_markdown() -> str:
    """Write the page ``docs/explanation/deviations.md``."""
    deviations = [(d.what, d.article, d.here, d.why, d.matters) for d in DEVIATIONS]
    settings = [(s.what, f"`{s.key}`", plain(s.value, s.key)) for s in ARTICLE_SETTINGS]
    blocks = (
        "# Where Residua differs from the article",
        "Generated from `src/residua/report/deviations.py` by `residua schema`; do not edit. The report of a run shows "
        "those that hold for its settings, and every setting that is not the article's. Where the article leaves a "
        "choice open, the list names ours.",
        _table(("what", "the article", "here", "why", "could it change a conclusion?"), deviations),
        "## What the article states as a number",
        "`config.yaml` holds these values. The report of a study lists the values that differ.",
        _table(("what", "key", "the article"), settings),
    )
    return "\n\n".join(blocks) + "\n"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ("---",) * len(header), *rows))
