"""A home that cannot be written to: the checks go on without a cache, and a run keeps Snakemake's elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cohort_tables import ROOT, rows, study, write_images, write_table
from residua.cohort.commands.verdict import check_cohort
from residua.operations.cache_home import provide_cache_home

NOWHERE = "/proc/nonexistent"
"""Nobody can make a folder there, not even root."""


def test_a_cache_that_can_be_written_to_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for environment in ({"HOME": str(tmp_path)}, {"HOME": NOWHERE, "XDG_CACHE_HOME": str(tmp_path / "cache")}):
        before = dict(environment)
        provide_cache_home(environment)
        assert environment == before
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("environment", [{"HOME": NOWHERE}, {"HOME": "/tmp", "XDG_CACHE_HOME": f"{NOWHERE}/cache"}])
def test_a_cache_that_cannot_be_written_to_is_replaced_and_named(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    usual = environment.get("XDG_CACHE_HOME", f"{NOWHERE}/.cache")
    provide_cache_home(environment)
    assert os.access(environment["XDG_CACHE_HOME"], os.W_OK)
    told = f"{usual} cannot be written to: this run keeps Snakemake's cache in {environment['XDG_CACHE_HOME']} ($XDG"
    assert capsys.readouterr().err.startswith(told)


def test_the_default_profile_provides_it_before_snakemake_needs_it() -> None:
    assert "provide_cache_home()" in (ROOT / "profiles/default/config.yaml").read_text(encoding="utf-8")


def test_a_cohort_is_checked_without_a_folder_for_its_cache(tmp_path: Path) -> None:
    write_images(tmp_path, rows(), enlarged=True)
    table = write_table(tmp_path, rows())
    kept, lost = (check_cohort(study(), table, cache=cache) for cache in (tmp_path / "cache", NOWHERE))
    assert lost == kept
    assert lost.volumes_ml["residual_ml"] == pytest.approx(dict.fromkeys(("STO1", "GOT1", "PAR1", "AMS1"), 13.824))
