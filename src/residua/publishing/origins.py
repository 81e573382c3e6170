"""Origins: the models and thresholds from which a result was made, and their digests, kept beside its seal.

A training that is repeated changes its model at once, and what is measured of that model follows later, if the run goes
on. ``scripts/_here.py`` keeps the origins of what a job makes; whoever hands results on compares them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from contextlib import chdir
from pathlib import Path

from residua.errors import DamagedStageError, ResiduaError
from residua.publishing.publish import digest, read_json, remaking, write_json
from residua.publishing.seals import seal_of

Origins = dict[str, list[str]]
"""Digests by file. There are several of one file where parts of a result come from different states of it."""
_ORIGIN = re.compile(
    r"results/(?:models/(?P<model>[^/]+/[^/]+)/fold\d+/manifest|segmentations/(?P<threshold>[^/]+/[^/]+)/threshold)\.json"
)


def origins_of(files: Iterable[str]) -> Origins:
    """Return the origins of what is made from ``files``: their own, and the models and thresholds among them."""
    found: dict[str, set[str]] = {}
    for file in files:
        origin = _ORIGIN.fullmatch(file)
        if origin:
            found.setdefault(file, set()).add(digest(file))
        # A model's digest stands for all that it was trained from.
        if origin is None or origin["threshold"]:
            for name, digests in read_origins(file).items():
                found.setdefault(name, set()).update(digests)
    return {name: sorted(digests) for name, digests in found.items()}


def forget_origins(files: Iterable[str]) -> None:
    """Remove the origins of files that are about to be made again."""
    for file in files:
        if kept := _kept(file):
            kept.unlink(missing_ok=True)


def keep_origins(files: Iterable[str], origins: Origins) -> None:
    """Keep the origins of files of the results, if they have any."""
    for file in files if origins else ():
        kept = _kept(file)
        if kept is not None and Path(file).is_file():
            write_json(kept, origins)


def read_origins(file: str) -> Origins:
    """Return the origins of a result; none of what has none, and of what an earlier version of Residua made."""
    kept = _kept(file)
    if kept is None or not kept.is_file():
        return {}
    try:
        record: Origins = read_json(kept)
    except ValueError as error:
        raise DamagedStageError(f"{kept}: cannot be read ({error}). Rebuild it: {remaking(file)}") from None
    return record


def require_current(study: Path, files: Iterable[str], of: Callable[[str], bool] = lambda origin: True) -> None:
    """Raise ``ResiduaError`` when results of a study come from other models or thresholds than are there now.

    ``files`` are relative to the folder ``study``; ``of`` says which origins count. Results that come from different
    states of an origin that is gone are refused, too.
    """
    with chdir(study):
        seen: dict[str, str] = {}
        for file in files:
            for origin, digests in read_origins(file).items():
                if of(origin):
                    now = seen.setdefault(origin, digest(origin) if Path(origin).is_file() else digests[0])
                    if digests != [now]:
                        raise ResiduaError(outdated(study, origin, file))


def outdated(study: Path, origin: str, file: str) -> str:
    """Return what to tell of a result that was made before one of its origins, a model or a threshold."""
    match = _ORIGIN.fullmatch(origin)
    model, threshold = (match["model"], match["threshold"]) if match else (None, None)
    what = "threshold" if threshold else "model"
    chosen = f"results/segmentations/{threshold or model}/threshold.json"
    remove = shlex.join(str(study / name) for name in dict.fromkeys([file, chosen]))
    name = origin.removesuffix("/manifest.json")
    return (
        f"{study}: {file} is older than the {what} {name}, which was made again, and says nothing of that {what}. Let "
        "the study run to its end (its snakemake command), then give this command again; if it has nothing to do, "
        f"rm {remove} first"
    )


def _kept(file: str) -> Path | None:
    seal = seal_of(file)
    return seal.with_suffix(".json") if seal else None
