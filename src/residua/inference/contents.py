"""What the page and the sheet of one new patient say, in the same words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any

from residua.quality.measures import subject_name
from residua.words import listed, name_of, title_of

RESEARCH = "Research use only. Not a medical device: no decision on a patient may rest on this page."
_NO_FLAG = "No flag: no measure of registration and brain mask is beyond its limit."
_STATES = {
    "failed": "Not predicted: a registration or the brain mask cannot be used",
    "refused": "Not predicted: the files cannot be used",
    "excluded": "Not predicted: excluded by the table",
}


@dataclass(frozen=True)
class FirstNumber:
    """A number to see first, its name and a remark."""

    name: str
    value: str
    remark: str


@dataclass(frozen=True)
class Contents:
    """All texts; ``cautions`` come before the numbers. ``flags`` says where there is none, or no measure."""

    patient: str
    state: str
    headlines: tuple[FirstNumber, ...]
    given: tuple[tuple[str, str], ...]
    numbers: tuple[tuple[str, str, str], ...]
    cautions: tuple[str, ...]
    flags: tuple[str, ...]
    model: str


def contents_of(record: Mapping[str, Any]) -> Contents:
    """Return the texts about a ``prediction_record``."""
    predicted = record["state"] == "predicted"
    problems = [f"{problem['what']}: {problem['remedy']}" for problem in record["problems"]]
    warnings = _warnings(record["warnings"])
    excluded = [f"the table excludes the patient ({record['excluded']})"] if record["state"] == "excluded" else []
    return Contents(
        patient=record["patient"],
        state=_STATES.get(record["state"], ""),
        headlines=tuple(_headlines(record)) if predicted else (),
        given=tuple(_given(record)),
        numbers=tuple(_numbers(record)) if predicted else (),
        cautions=tuple(_sentence(text) for text in [*problems, *excluded, *warnings]),
        flags=tuple(_flags(record)),
        model=_model(record["bundle"]) if record["bundle"] else "",
    )


def _warnings(warnings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say each warning; what lies outside of limits, in one sentence about each scan."""
    for kind, same in groupby(warnings, lambda warning: (warning["kind"], warning.get("subject"))):
        found = list(same)
        if kind[0] != "outside" or len(found) == 1:
            yield from (": ".join(filter(None, (warning["what"], warning.get("remedy")))) for warning in found)
            continue
        beyond = "; ".join(warning["brief"] for warning in found)
        yield f"{subject_name(kind[1])}: unlike what the models saw in {found[0]['patients']} patients: {beyond}"


def _flags(record: Mapping[str, Any]) -> Iterator[str]:
    for flag in record["flags"]:
        yield _sentence(f"{flag['what']}. {flag['look']}")
    if not record["flags"]:
        yield _NO_FLAG if record["measured"] else "Not measured."


def _headlines(record: Mapping[str, Any]) -> Iterator[FirstNumber]:
    found, volumes, resection = (record[name] for name in ("classification", "volumes", "resection"))
    cut = f"{found['cut_off_ml']:g} ml"
    if found["probability"] is None:
        remark = f"by the cut-off of {cut} alone; not calibrated"
    else:
        remark = f"probability of residual tumour ({cut} or more): {percent(found['probability'])}"
    yield FirstNumber("Class", found["told"].capitalize(), remark)
    between = f"{ml(volumes['residual_low_ml'])} to {ml(volumes['residual_high_ml'])} over the folds"
    yield FirstNumber("Residual tumour", ml(volumes["residual_ml"]), between)
    if resection["extent_percent"] is not None:
        low, high = (f"{resection[f'extent_{end}_percent']:.1f}".replace("-", "−") for end in ("low", "high"))
        value = f"{resection['extent_percent']:.1f} %".replace("-", "−")
        yield FirstNumber("Extent of resection", value, f"{low} to {high} % over the folds")
    rano = f"{resection['rano_resect_means']} left of enhancing tumour"
    yield FirstNumber("RANO resect", f"Class {resection['rano_resect']}", rano)


def _numbers(record: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    found, volumes, resection = (record[name] for name in ("classification", "volumes", "resection"))
    by_cut = "residual tumour" if found["residual_tumour"] else "gross total resection"
    yield "By the study's cut-off", by_cut, f"{found['cut_off_ml']:g} ml or more is residual tumour"
    if found["probability"] is not None:
        yield "Undecidable volumes", _undecidable(found), f"no class reaches a probability of {found['certainty']:g}"
    yield "By the rule of 0 cm³", "complete" if resection["complete"] else "not complete", "nothing at all is left"
    folds = record["folds"]
    each = ", ".join(f"{volume:.2f}" for volume in folds["residual_ml"].values())
    yield "Volume by each fold", f"{each} ml", "each model alone, at the same threshold"
    if folds["mean_pairwise_dice"] is not None:
        yield "Agreement of the folds", f"{folds['mean_pairwise_dice']:.2f}", "mean Dice of all pairs; 1 is perfect"
    size = record["diameters"]
    if size["longest_mm"]:
        across = f"{size['longest_mm']:.1f} × {size['perpendicular_mm']:.1f} mm"
        yield "Axial diameters", across, "longest and its perpendicular; no response category"
    if volumes["before_ml"] is not None:
        yield "Tumour before surgery", ml(volumes["before_ml"]), "by the mask that was given"
    if resection["raidionics"] is not None:
        yield "Class of Raidionics", resection["raidionics"], "by percent and volume"


def _undecidable(found: Mapping[str, Any]) -> str:
    between = found["undecidable_ml"]
    if between is None:
        return "none"
    low, high = between
    return f"from {low:.2f} ml on" if high is None else f"{low:.2f} to {high:.2f} ml"


def _given(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    predicted = record["state"] == "predicted"
    bundle = record["bundle"] if predicted else {"channels": []}
    # What a derived channel is made of is read, too.
    read = [*bundle["channels"], *bundle.get("derived_of", [])]
    for column in record["given"]:
        yield title_of(column), "read by the models" if column in read else "given"
    for column in record["lacking"]:
        yield title_of(column), "not given; zeros in its place" if predicted else "not given"


def _model(bundle: Mapping[str, Any]) -> str:
    channels = listed([name_of(channel) for channel in bundle["channels"]])
    number = len(bundle["folds"])
    threshold = "" if bundle["threshold"] is None else f", threshold {bundle['threshold']:g}"
    models = "1 model" if number == 1 else f"{number} models of as many folds"
    return (
        f"{bundle['label']} on {channels} ({models}{threshold}); "
        f"bundle {bundle['name']}, {bundle['digest'][:12]}. Chosen because {bundle['why']}."
    )


def ml(volume: float) -> str:
    """Write a volume; small ones so that they can be compared with the cut-off.

    >>> ml(0.0), ml(0.1749), ml(2.346), ml(31.26)
    ('0 ml', '0.175 ml', '2.35 ml', '31.3 ml')
    """
    if volume == 0:
        return "0 ml"
    digits = 1 if volume >= 10 else 2 if volume >= 1 else 3
    return f"{volume:.{digits}f} ml"


def percent(probability: float) -> str:
    """Write a probability; never as certain.

    >>> percent(0.873), percent(0.9996), percent(0.001)
    ('87 %', 'above 99 %', 'below 1 %')
    """
    if probability > 0.99:
        return "above 99 %"
    return "below 1 %" if probability < 0.01 else f"{100 * probability:.0f} %"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def fitting(items: Sequence[str], room: int, wide: int) -> list[list[str]]:
    """Return the lines, of ``wide`` letters, of the first items that fit into ``room`` lines.

    Each item has two lines at most. One line more says how many others the page has.

    >>> fitting(["one", "two", "three"], 2, 20)
    [['one'], ['two'], ['1 more: see report.html']]
    """
    wrapped = [textwrap.wrap(item, wide, max_lines=2, placeholder=" … (see report.html)") for item in items]
    used = list(accumulate(len(each) for each in wrapped))
    shown = [each for each, lines in zip(wrapped, used, strict=True) if lines <= room]
    left = len(items) - len(shown)
    return [*shown, *([[f"{left} more: see report.html"]] if left else [])]
