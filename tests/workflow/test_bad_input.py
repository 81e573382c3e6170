"""Bad input stops the workflow before anything is computed, with all problems and their remedies at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from studies import Study


def put_on_another_grid(mask: Path) -> None:
    nib.save(nib.Nifti1Image(np.zeros((4, 5, 6), np.uint8), np.eye(4)), mask)


def refused(study: Study, *arguments: str) -> str:
    """What the workflow says when it refuses; nothing may have been computed."""
    stopped = study.snakemake(*arguments)
    assert stopped.returncode != 0
    text = stopped.stdout + stopped.stderr
    assert "Traceback" not in text
    assert not list(study.folder.glob("results/**/*.nii.gz"))
    assert not list(study.folder.glob("results/**/*.json"))
    return text


def test_all_problems_of_the_table_are_reported_at_once(fresh: Study) -> None:
    table = fresh.folder / "cohort/cohort.tsv"
    lines = table.read_text().splitlines()
    (fresh.folder / "cohort/images/STO001/post_t1.nii.gz").unlink()
    put_on_another_grid(fresh.folder / "cohort/images/GOT002/residual.nii.gz")
    table.write_text("\n".join([*lines, lines[-1]]) + "\n")
    before = table.read_bytes()
    said = refused(fresh)
    sto = next(number for number, line in enumerate(lines, 1) if line.startswith("STO001"))
    assert (
        f"row {sto} (patient STO001), column post_t1, cohort/images/STO001/post_t1.nii.gz: the file does not exist: "
        "correct the path (relative to the table), or set role to exclude"
    ) in said
    last = lines[-1].split("\t")[0]
    assert f"row {len(lines) + 1} (patient {last}), column patient: the patient is also in row {len(lines)}" in said
    assert "give every patient one row" in said
    (grid,) = (line for line in said.splitlines() if "column residual, cohort/images/GOT002/residual.nii.gz" in line)
    got = next(number for number, line in enumerate(lines, 1) if line.startswith("GOT002"))
    assert f"row {got} (patient GOT002)" in grid
    assert "(4, 5, 6)" in grid
    assert "post_t1ce" in grid
    assert table.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c["folds"].update({1: ["GOT", "AMS"]}), "hospital AMS is both held out and in a fold"),
        (lambda c: c["folds"].update({1: ["GOT", "STO"]}), "hospital STO is in more than one fold"),
        (lambda c: c["folds"].update({1: ["GOT", "XYZ"]}), "names hospital XYZ, which has no patient in the table"),
        (
            lambda c: c["inputs"].update({"Z": ["post_t9"]}),
            "input configuration Z names post_t9, which is not a sequence, label or derived channel",
        ),
        (lambda c: c.update(epochs=3), "epochs: unknown key"),
    ],
)
def test_a_configuration_that_cannot_be_is_one_message(
    fresh: Study, change: Callable[[dict[str, Any]], None], told: str
) -> None:
    fresh.configure(change)
    assert told in refused(fresh, "--dry-run")


def test_a_run_refuses_a_configuration_as_its_dry_run_does(fresh: Study) -> None:
    fresh.configure(lambda config: config.update(epochs=3))
    assert "epochs: unknown key" in refused(fresh)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[" * 3000 + b"]" * 3000, "line 1: brackets or levels are nested more than 32 deep"),
        (bytes(range(256)), "config.yaml: cannot be read as YAML (it is not UTF-8 text)"),
        (b"version: 1\ntitle: x\nversion: 2\n", "the key version stands 2 times, in lines 1 and 3"),
    ],
)
def test_a_file_that_is_no_configuration_is_one_message(fresh: Study, content: bytes, told: str) -> None:
    fresh.config_file.write_bytes(content)
    assert told in refused(fresh, "--dry-run")
