"""Compare every result of a study with the digest that was kept when it was made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from residua.errors import ResiduaError
from residua.publishing.publish import verified
from residua.publishing.seals import require_sealed, sealed_files

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Verification:
    """How many single files and folders with a manifest were compared, what is damaged, and what is gone.

    ``damaged`` holds a sentence for each, with the command that makes it again. ``missing`` files were deleted: the
    next run makes again those of them that it needs.
    """

    files: int
    folders: int
    damaged: tuple[str, ...]
    missing: tuple[str, ...]


def verify_study(study: Path, workers: int, progress: Callable[[int, int], None]) -> Verification:
    """Read every result in the folder ``study`` that has a digest; ``progress`` gets the done and all of them.

    Raises ``ResiduaError`` where there are no results.
    """
    if not (study / "results").is_dir():
        raise ResiduaError(f"{study}: no results; give the folder of a study (snakemake --directory)")
    # Digests are kept by paths that begin at the study, and so are the commands that a message names.
    with chdir(study):
        sealed = sorted(sealed_files())
        there = [file for file in sealed if os.path.lexists(file)]
        manifests = sorted(str(path) for path in _manifests(Path("results")))
        work: list[Callable[[], object]] = [lambda file=file: require_sealed([file]) for file in there]  # type: ignore[misc]
        work += [lambda path=path: verified(path) for path in manifests]  # type: ignore[misc]
        damaged: list[str] = []
        with ThreadPoolExecutor(workers) as pool:
            begun = [pool.submit(_said, each) for each in work]
            for done, each in enumerate(as_completed(begun), start=1):
                progress(done, len(begun))
                damaged += each.result()
    missing = tuple(file for file in sealed if file not in set(there))
    return Verification(len(there), len(manifests), tuple(sorted(set(damaged))), missing)


def _manifests(results: Path) -> Iterator[Path]:
    """Yield the manifests of published folders; those of stages that are being built are not finished."""
    for place, folders, files in os.walk(results):
        folders[:] = [folder for folder in folders if not folder.endswith(".part") and not folder.startswith(".")]
        if _MANIFEST in files:
            yield Path(place, _MANIFEST)


def _said(compare: Callable[[], object]) -> list[str]:
    try:
        compare()
    except ResiduaError as error:
        return [str(error)]
    except OSError as error:
        return [f"{error.filename}: cannot be read ({error.strerror}); the file system or its permissions are at fault"]
    return []
