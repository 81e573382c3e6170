"""A disk that fills up while ANTs or Greedy writes is an error, which is tried again, and never a result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from environments import python_in


@pytest.fixture(scope="module")
def tried(micro_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    script = str(Path(__file__).parent / "scratch_room_check.py")
    out = tmp_path_factory.mktemp("room")
    done = python_in("core", script, str(micro_cohort), "GOT001", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


@pytest.mark.parametrize("engine", ["SyN", "rigid", "greedy", "greedy_affine", "none", "template"])
def test_a_file_that_is_cut_off_is_an_error_that_names_it_and_the_remedy(tried: dict[str, Any], engine: str) -> None:
    attempts = {what: found for what, found in tried.items() if what.split()[0] == engine}
    assert attempts
    for what, found in attempts.items():
        assert found["said"], f"{what}: a file was cut off and nothing was said"
        assert found["said"].startswith("ScratchError: "), what
        assert " incomplete in " in found["said"], what
        assert "set TMPDIR to a larger folder" in found["said"], what


def test_nothing_is_published_of_a_registration_whose_files_are_cut_off(tried: dict[str, Any]) -> None:
    assert {what: found["published"] for what, found in tried.items() if found["published"]} == {}
