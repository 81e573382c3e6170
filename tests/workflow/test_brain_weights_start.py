"""An application starts with the weights of the brain mask that its bundle brings, or that the user puts there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bundles import masked_by, safetensors, write_micro_bundle
from cohort_tables import rows, write_images
from environments import build_environments
from residua.bundle.names import BRAIN_WEIGHTS
from residua.cohort import places
from studies import Study

UNPACKED = "results/segmentations/nnunet/B/threshold.json"
MODEL = b"a model of its authors"


def application(folder: Path, method: str, weights: str, content: bytes) -> Study:
    """A patient with sound images, and a bundle whose brain masks need a file of weights."""
    write_micro_bundle(folder / "b.zip", study=masked_by(method, weights, content))
    (record,) = rows()[:1]
    write_images(folder, [record], enlarged=True)
    given = ("post_t1ce", "post_t1")
    table = ["\t".join(("patient", *given)), "\t".join(("P1", *(record[column] for column in given)))]
    (folder / "new.tsv").write_text("\n".join(table) + "\n")
    (folder / "config.yaml").write_text(yaml.safe_dump({"bundles": ["b.zip"], "cohort": "new.tsv"}))
    return Study(folder)


@pytest.mark.long
def test_the_workflow_takes_the_weights_out_of_the_bundle_before_its_first_job(tmp_path: Path) -> None:
    study = application(tmp_path, "agunet", BRAIN_WEIGHTS, safetensors())
    done = study.snakemake(UNPACKED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / places.BRAIN_WEIGHTS).read_bytes() == safetensors()
    assert (tmp_path / UNPACKED).is_file()


def test_the_workflow_asks_for_the_authors_model_and_starts_with_it(tmp_path: Path) -> None:
    study = application(tmp_path, "raidionics", "MRI_Brain.zip", MODEL)
    refused = study.snakemake(UNPACKED)
    assert refused.returncode != 0
    assert "MRI_Brain.zip: cannot be read (No such file or directory). Brain masks are made" in refused.stderr
    assert not (tmp_path / UNPACKED).exists()
    (tmp_path / "MRI_Brain.zip").write_bytes(MODEL)
    done = study.snakemake(UNPACKED)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_reaches_the_brain_masks_with_the_weights_of_the_bundle(tmp_path: Path) -> None:
    application(tmp_path, "agunet", BRAIN_WEIGHTS, safetensors())
    build_environments()
    columns, files = (line.split("\t") for line in (tmp_path / "new.tsv").read_text().splitlines())
    command = [sys.executable, "-m", "residua.cli", "predict", "--bundle", "b.zip", "--out", "out", "--cores", "1"]
    # One patient by options, where other tests give a table.
    options = zip(columns, files, strict=True)
    command += [text for column, file in options for text in (f"--{column.replace('_', '-')}", file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    # These weights are made up: the network that reads them finds out.
    assert done.returncode == 1
    assert (tmp_path / "out" / places.BRAIN_WEIGHTS).read_bytes() == safetensors()
    assert "brain_mask.features" in done.stderr
