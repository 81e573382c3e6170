"""Seals: a file of the results that changed since it was made is refused before anything reads it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from residua.errors import DamagedStageError, ResiduaError
from residua.publishing.seals import break_seals, require_sealed, seal

NAMES = ["results/cohort/folds.json", "results/metrics/nnunet/B.parquet", "results/registered/P1/flair_affine.mat"]


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(NAMES):
        Path(name).parent.mkdir(parents=True)
        Path(name).write_bytes(bytes(range(200)) * (number + 1))
    seal(NAMES)
    return tmp_path


def test_what_is_as_it_was_made_passes() -> None:
    require_sealed(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", ["truncated", "empty", "one bit", "replaced"])
def test_a_damaged_file_is_refused_by_name_with_the_command_that_rebuilds_it(name: str, damage: str) -> None:
    whole = Path(name).read_bytes()
    Path(name).write_bytes(
        {
            "truncated": whole[:-1],
            "empty": b"",
            "one bit": whole[:50] + bytes([whole[50] ^ 1]) + whole[51:],
            "replaced": Path(NAMES[NAMES.index(name) - 1]).read_bytes(),
        }[damage]
    )
    with pytest.raises(DamagedStageError) as raised:
        require_sealed(NAMES)
    assert str(raised.value).startswith(f"{name}: changed or damaged since it was made")
    assert f"rm {name} and run the same snakemake command again" in str(raised.value)


def test_a_file_that_is_about_to_be_made_again_has_no_seal_until_it_is_made() -> None:
    break_seals(NAMES[:1])
    Path(NAMES[0]).write_text("another split")
    require_sealed(NAMES)
    seal(NAMES[:1])
    require_sealed(NAMES)
    Path(NAMES[0]).write_text("a third split")
    with pytest.raises(DamagedStageError):
        require_sealed(NAMES)


def test_files_outside_of_the_results_and_those_that_do_not_exist_have_no_seal(study: Path) -> None:
    scan = study / "scan.nii.gz"
    scan.write_bytes(b"1")
    seal([str(scan), "cohort/table.tsv", "results/absent.json"])
    scan.write_bytes(b"2")
    require_sealed([str(scan), "cohort/table.tsv"])
    assert not list(study.rglob("*absent*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named() -> None:
    Path(NAMES[0]).chmod(0)
    with pytest.raises(
        ResiduaError, match=rf"^{NAMES[0]}: cannot be read \(Permission denied\); change its permissions"
    ):
        require_sealed(NAMES)


def test_a_file_that_cannot_be_read_is_named() -> None:
    Path(NAMES[0]).unlink()
    Path(NAMES[0]).mkdir()
    with pytest.raises(ResiduaError, match=rf"^{NAMES[0]}: cannot be read \(Is a directory\); .* rm {NAMES[0]} "):
        require_sealed(NAMES)
