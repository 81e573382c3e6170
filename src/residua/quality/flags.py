"""What is odd in a cohort, in words: values beyond a limit, and values far from the others'."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from residua.errors import ResiduaError
from residua.publishing.publish import write_text
from residua.quality.measures import BRAIN, CATALOGUE, Measure, Measures, judged
from residua.quality.outliers import FAR, robust_z
from residua.words import name_of

Kind = Literal["limit", "outlier"]


@dataclass(frozen=True)
class Flag:
    """One odd value of one patient; ``reason`` is its short form without numbers, for the cohort table."""

    patient: str
    hospital: str
    subject: str
    measure: str
    kind: Kind
    value: float
    what: str
    look: str
    act: str
    reason: str


def measure_frame(records: Mapping[str, Measures], hospitals: Mapping[str, str]) -> pd.DataFrame:
    """One row per patient, subject and measure, in the order of ``records``.

    Columns: patient, hospital, subject, measure, value (NaN: not defined), and for measures that are judged the
    patients compared, their median, robust_z (NaN: too few) and flag (limit, outlier or empty).
    """
    rows = [
        {"patient": patient, "hospital": hospitals[patient], "subject": subject, "measure": name, "value": value}
        for patient, subjects in records.items()
        for subject, measures in subjects.items()
        for name, value in measures.items()
    ]
    frame = pd.DataFrame(rows, columns=["patient", "hospital", "subject", "measure", "value"])
    frame = frame.astype({"value": np.float64})
    frame = frame.assign(compared=0, median=np.nan, robust_z=np.nan, flag="")
    for (subject, name), group in frame.groupby(["subject", "measure"], sort=False):
        how = judged(str(subject), str(name))
        if how is not None:
            _judge(frame, group.index[group["value"].notna()], how)
    return frame


def _judge(frame: pd.DataFrame, rows: pd.Index[int], how: Measure) -> None:
    values = frame.loc[rows, "value"].to_numpy(dtype=np.float64)
    scores = robust_z(values, how.smallest)
    frame.loc[rows, "compared"] = values.size
    frame.loc[rows, "median"] = np.median(values) if values.size else np.nan
    frame.loc[rows, "robust_z"] = scores
    broken = [how.limit_broken(value) is not None for value in values]
    far = np.abs(scores) > FAR
    frame.loc[rows, "flag"] = np.select([broken, far], ["limit", "outlier"], default="")


def flags_of(frame: pd.DataFrame) -> list[Flag]:
    """The flags of a judged ``measure_frame``: patients with more and with worse ones first."""
    flagged = frame[frame["flag"] != ""]
    found = [_flag(row) for row in flagged.to_dict("records")]
    limits = Counter(flag.patient for flag in found if flag.kind == "limit")
    worst = flagged.groupby("patient")["robust_z"].agg(lambda z: z.abs().max()).fillna(0.0)
    order = [measure.name for measure in CATALOGUE]

    def key(flag: Flag) -> tuple[float, float, str, str, int]:
        return -limits[flag.patient], -worst[flag.patient], flag.patient, flag.kind, order.index(flag.measure)

    return sorted(found, key=key)


def _flag(row: Mapping[Hashable, Any]) -> Flag:
    subject, kind, value = str(row["subject"]), row["flag"], float(row["value"])
    how = judged(subject, str(row["measure"]))
    assert how is not None
    sentences = [f"{subject_name(subject)}: the {how.title} is {how.shown(value)}"]
    limit = how.limit_broken(value)
    if limit is not None:
        sentences.append(f"{'below' if value < limit else 'above'} the limit of {how.shown(limit)}")
    return Flag(
        patient=str(row["patient"]),
        hospital=str(row["hospital"]),
        subject=subject,
        measure=how.name,
        kind="limit" if kind == "limit" else "outlier",
        value=value,
        what=", ".join([*sentences, *_distance(row, how)]),
        look=how.look,
        act=how.act,
        reason=f"{name_of_subject(subject)}: {how.wrong if kind == 'limit' else how.unusual}",
    )


def _distance(row: Mapping[Hashable, Any], how: Measure) -> list[str]:
    score, median, compared = float(row["robust_z"]), float(row["median"]), int(row["compared"])
    if not np.isfinite(score):
        return []
    return [
        f"{abs(score):.1f} robust standard deviations {'below' if score < 0 else 'above'} the median of {compared} "
        f"patients ({how.shown(median)})"
    ]


def name_of_subject(subject: str) -> str:
    """A sequence, label or the brain mask in words, for the middle of a sentence."""
    return "brain mask" if subject == BRAIN else name_of(subject)


def subject_name(subject: str) -> str:
    """The same for the beginning of a sentence."""
    name = name_of_subject(subject)
    return name[:1].upper() + name[1:]


def write_flags(flags: Sequence[Flag], path: str | PathLike[str]) -> None:
    """Write the flags as TSV, the header also when there is none."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, [column.name for column in fields(Flag)], delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(flag) for flag in flags)
    write_text(path, stream.getvalue())


def read_flags(path: str | PathLike[str]) -> list[Flag]:
    """The flags that ``write_flags`` wrote. Raises ``ResiduaError`` when the file cannot be read as that."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
        return [Flag(**{**row, "value": float(row["value"])}) for row in rows]  # type: ignore[arg-type]
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise ResiduaError(
            f"{path}: cannot be read as flags ({error}); name the flags.tsv that the study wrote to results/quality"
        ) from None
