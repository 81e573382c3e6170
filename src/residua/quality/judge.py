"""Find the unusual values of a cohort: beyond a limit, or far from the other patients'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from residua.quality.catalogue import CATALOGUE, Measure, judged
from residua.quality.flag_rules import FLAG_RULES
from residua.quality.flags import Flag
from residua.quality.measures import Measures, name_of_subject, subject_name
from residua.quality.outliers import FAR, robust_z


def measure_frame(records: Mapping[str, Measures], hospitals: Mapping[str, str]) -> pd.DataFrame:
    """Tabulate all measures: one row per patient, subject and measure, in the order of ``records``.

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
    scores = robust_z(values, FLAG_RULES[how.name].smallest)
    frame.loc[rows, "compared"] = values.size
    frame.loc[rows, "median"] = np.median(values) if values.size else np.nan
    frame.loc[rows, "robust_z"] = scores
    # Typed: a measure may be undefined for everybody.
    broken = np.array([how.limit_broken(value) is not None for value in values], dtype=bool)
    far = np.abs(scores) > FAR
    frame.loc[rows, "flag"] = np.select([broken, far], ["limit", "outlier"], default="")


def flags_of(frame: pd.DataFrame) -> list[Flag]:
    """List the flags of a ``measure_frame``: patients with more and with worse flags first."""
    flagged = frame[frame["flag"] != ""]
    flags = [_flag(row) for row in flagged.to_dict("records")]
    limits = Counter(flag.patient for flag in flags if flag.kind == "limit")
    worst = flagged.groupby("patient")["robust_z"].agg(lambda z: z.abs().max()).fillna(0.0)
    order = [measure.name for measure in CATALOGUE]

    def key(flag: Flag) -> tuple[float, float, str, str, int]:
        return -limits[flag.patient], -worst[flag.patient], flag.patient, flag.kind, order.index(flag.measure)

    return sorted(flags, key=key)


def _flag(row: Mapping[Hashable, Any]) -> Flag:
    subject, kind, value = str(row["subject"]), row["flag"], float(row["value"])
    how = judged(subject, str(row["measure"]))
    assert how is not None
    rule = FLAG_RULES[how.name]
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
        look=rule.look,
        act=rule.act,
        reason=f"{name_of_subject(subject)}: {rule.wrong if kind == 'limit' else rule.unusual}",
    )


def _distance(row: Mapping[Hashable, Any], how: Measure) -> list[str]:
    score, median, compared = float(row["robust_z"]), float(row["median"]), int(row["compared"])
    if not np.isfinite(score):
        return []
    return [
        f"{abs(score):.1f} robust standard deviations {'below' if score < 0 else 'above'} the median of {compared} "
        f"patients ({how.shown(median)})"
    ]
