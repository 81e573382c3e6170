"""Digests of the code that a rule uses: a rule that carries one runs again when that code changes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from residua.publishing import code_digest
from residua.publishing.code_memo import CodeMemo, cache_folder, kept_at_exit
from residua.publishing.publish import digest
from residua.settings.study import Study


@cache
def _memo() -> CodeMemo:
    return kept_at_exit(CodeMemo(cache_folder(), Path(code_digest.__file__), code_digest.read_code))


@cache
def of_script(house: Path, script: str, modules: tuple[str, ...] = ()) -> str:
    """Return the digest of a script of a checkout and of the library code that it uses.

    ``modules`` are those that the script finds by name.
    """
    return code_digest.code_digest(house / "scripts" / f"{script}.py", house / "src", modules, _memo().said_by)


def of_files(house: Path, *patterns: str) -> list[str]:
    """Return digests of files of the library that are not code but that a stage uses: layouts and values.

    Raises ``FileNotFoundError`` for a pattern without a file: a rule that lost its files would never run again.
    """
    library = house / "src/residua"
    found = {pattern: sorted(library.glob(pattern)) for pattern in patterns}
    for pattern, files in found.items():
        if not files:
            raise FileNotFoundError(f"{library}: no file is called {pattern}, which a rule depends on")
    return [digest(file) for files in found.values() for file in files]


def network_module(arch: str, stage: str) -> tuple[str, ...]:
    """Return the module of a network for a stage, which scripts find by name."""
    return (f"residua.networks.{arch}.{stage}",)


def of_stages(study: Study, house: Path) -> dict[str, str]:
    """Return the digest of every stage by name, for the report. Trainings go by the study's version instead."""
    by_name: dict[str, Sequence[str]] = {
        "mask_brain": study.brain_mask.modules,
        "register": study.registration.modules,
    }
    names = [path.stem for path in sorted((house / "scripts").glob("[a-z]*.py"))]
    starting = [arch for arch in study.archs if study.settings_of(arch).before_surgery]
    own = {"prepare": study.archs, "predict": study.archs, "prepare_preoperative": starting}
    own |= {"prepare_derived": study.archs} if study.derived_channels else {}
    # Defacing and the brain model are no stages of a study, and a plan is made before it.
    others = {"train", "prepare", "prepare_derived", "prepare_preoperative", "predict", "report", "deface"}
    others |= {"plan_network", "make_training_heads", "train_brain_model"}
    common = [name for name in names if name not in others]
    stages = {name: of_script(house, name, tuple(by_name.get(name, ()))) for name in common}
    return stages | {
        f"{name}, {study.settings_of(arch).label}": of_script(
            house, name, network_module(arch, "predict" if name == "predict" else "prepare")
        )
        for name, archs in own.items()
        for arch in archs
    }
