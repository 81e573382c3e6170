"""Compare every result of a study with the digest that was kept when it was made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from residua.cohort.places import EXCLUDED, STUDY
from residua.cohort.split.folds import PLACEMENT
from residua.cohort.split.frozen import require_as_frozen
from residua.cohort.split.persons import PERSONS
from residua.errors import DamagedStageError, ResiduaError
from residua.publishing.publish import verified
from residua.publishing.seals import require_sealed, sealed_files

_MANIFEST = "manifest.json"
_FROZEN = (PLACEMENT, PERSONS)
OF_A_START = (EXCLUDED, STUDY)
"""What no job makes: every start that has something to do writes it."""
_CHEAP = ("results/report/index.html", "results/patients.tsv")
"""The last file of a study, and of an application: making it again is cheap, and a start."""
_REMEDY = " Rebuild"
"""Where a message begins to name the remedy of one file. The command for all damaged files takes its place."""


@dataclass(frozen=True)
class Verification:
    """How many single files and folders with a manifest were compared, what is damaged, and what is gone.

    ``damaged`` holds a sentence for each. ``remake`` are the files to remove and to ask Snakemake for: a file of its
    own, the manifest of a folder. ``missing`` files were deleted: the next run makes again those that it needs.
    """

    files: int
    folders: int
    damaged: tuple[str, ...]
    missing: tuple[str, ...]
    remake: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Damage:
    said: str
    remake: tuple[str, ...] = ()


def verify_study(study: Path, workers: int, progress: Callable[[int, int], None]) -> Verification:
    """Read every result in the folder ``study`` that has a digest; ``progress`` gets the done and all of them.

    Raises ``ResiduaError`` where there are no results.
    """
    if not (study / "results").is_dir():
        raise ResiduaError(f"{study}: no results; give the folder of a study (snakemake --directory)")
    # Digests are kept by paths that begin at the study.
    with chdir(study):
        sealed = sorted(sealed_files())
        there = [file for file in sealed if os.path.lexists(file)]
        manifests = sorted(str(path) for path in _manifests(Path("results")))
        damages: set[_Damage] = set()
        with ThreadPoolExecutor(workers) as pool:
            begun = [pool.submit(_damage, file, _compare_file) for file in there]
            begun += [pool.submit(_damage, manifest, verified) for manifest in manifests]
            for done, each in enumerate(as_completed(begun), start=1):
                progress(done, len(begun))
                damages |= {found for found in [each.result()] if found}
    missing = tuple(file for file in sealed if file not in set(there))
    remake = {file for damage in damages for file in damage.remake}
    said = sorted({damage.said for damage in damages})
    return Verification(len(there), len(manifests), tuple(said), missing, tuple(sorted(remake)))


def _manifests(results: Path) -> Iterator[Path]:
    """Yield the manifests of published folders; those of stages that are being built are not finished."""
    for place, folders, files in os.walk(results):
        folders[:] = [folder for folder in folders if not folder.endswith(".part") and not folder.startswith(".")]
        if _MANIFEST in files:
            yield Path(place, _MANIFEST)


def _compare_file(file: str) -> None:
    if file in _FROZEN:
        require_as_frozen(file)
    else:
        require_sealed([file])


def _damage(file: str, compare: Callable[[str], object]) -> _Damage | None:
    try:
        compare(file)
    except DamagedStageError as error:
        return _Damage(str(error).partition(_REMEDY)[0], () if file in _FROZEN else _made_with(file))
    except ResiduaError as error:
        return _Damage(str(error))
    except OSError as error:
        return _Damage(
            f"{error.filename}: cannot be read ({error.strerror}); the file system or its permissions are at fault"
        )
    return None


def _made_with(file: str) -> tuple[str, ...]:
    if file not in OF_A_START:
        return (file,)
    return (file, *[last for last in _CHEAP if os.path.lexists(last)][:1])
