"""Choose the bundle for each patient: the best of those whose channels the patient has."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from residua.inference.bundles import Bundle
from residua.settings.application import Missing
from residua.words import listed


@dataclass(frozen=True)
class Choice:
    """The chosen bundle, and the reason in words; ``lacking`` are its channels that the patient does without."""

    bundle: Bundle
    why: str
    lacking: tuple[str, ...] = ()


def choose(
    bundles: Sequence[Bundle], columns: Collection[str], reference: str, missing: Missing = "refuse"
) -> Choice | None:
    """Return the bundle with the best out-of-fold score among those whose columns are all in ``columns``.

    The first of equals. Where there is none: the one that lacks the fewest channels among those that were trained to do
    without them and, with ``missing`` zeros, then among all. None when no bundle can be applied. ``reference`` is the
    sequence that every patient needs.
    """
    if reference not in columns:
        return None
    possible = [bundle for bundle in bundles if set(bundle.columns) <= set(columns)]
    if possible:
        best = max(possible, key=lambda bundle: bundle.record.out_of_fold_score)
        return Choice(best, _why(best, possible, bundles, columns))
    trained = [bundle for bundle in bundles if bundle.does_without]
    insisted = [bundle for bundle in bundles if missing == "zeros" and reference in bundle.channels]
    return _with_zeros(trained or insisted, columns)


def _with_zeros(bundles: Sequence[Bundle], columns: Collection[str]) -> Choice | None:
    if not bundles:
        return None
    best = min(bundles, key=lambda bundle: (len(bundle.lacked(columns)), -bundle.record.out_of_fold_score))
    lacked = best.lacked(columns)
    trained = "was trained" if best.does_without else "was never trained"
    doubt = "" if best.does_without else ": the result is doubtful"
    why = f"{best} sees zeros in place of {listed(lacked)}, which it {trained} to do without{doubt}"
    return Choice(best, why, lacked)


def lacking(bundles: Sequence[Bundle], columns: Collection[str], reference: str) -> list[str]:
    """Return what a patient lacks of the bundle that needs the fewest further columns; nothing if one can be applied.

    ``columns`` are those that the patient has.
    """
    missing = [[c for c in dict.fromkeys((reference, *b.columns)) if c not in columns] for b in bundles]
    return min(missing, key=len)


def _why(best: Bundle, possible: Sequence[Bundle], bundles: Sequence[Bundle], columns: Collection[str]) -> str:
    score = best.record.out_of_fold_score
    if len(bundles) == 1:
        return f"{best} is the only bundle"
    if len(possible) == 1:
        why = f"{best} is the only bundle whose channels are all given"
    else:
        others = listed([f"{bundle} ({bundle.record.out_of_fold_score:.3f})" for bundle in possible if bundle != best])
        why = f"{best} has the best out-of-fold score ({score:.3f}) of the bundles whose channels are given; {others}"
    unfit = [bundle for bundle in bundles if bundle not in possible]
    missing = [f"{b} needs {listed([c for c in b.columns if c not in columns])}" for b in unfit]
    return "; ".join([why, *missing])
