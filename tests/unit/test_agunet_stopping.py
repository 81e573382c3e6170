"""Who ends a training of AGU-Net: whole persons, so that nobody's other scan trains."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from cohort_tables import ROOT
from residua.errors import ResiduaError
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.agunet.stopping import split_for_stopping
from residua.networks.cases import Channel, TrainingSet
from residua.networks.selected import read_training_set
from residua.settings.base import REFERENCE_STANDARD

MICRO = yaml.safe_load((ROOT / "tests/micro/config.yaml").read_text())["networks"]["agunet"]


def split(patients: list[str], persons: dict[str, str], share: float = 0.2) -> tuple[list[str], list[str]]:
    settings = AGUNetSettings.model_validate(MICRO | {"stopping_fraction": share})
    data = TrainingSet((Channel("pre_t1ce", is_label=False),), {}, {}, tuple(patients), ("V",), persons=persons)
    return split_for_stopping(data, settings)


def test_a_persons_scans_train_or_end_the_training_together() -> None:
    patients = [f"P{person:02d}{scan}" for person in range(40) for scan in ("", "b", "c")]
    persons = {patient: patient[:3] for patient in patients if len(patient) > 3}
    training, stopping = split(patients, persons)
    assert sorted([*training, *stopping]) == sorted(patients)
    assert len(stopping) == 8 * 3
    assert not {patient[:3] for patient in training} & {patient[:3] for patient in stopping}


def test_where_nobody_has_several_scans_the_draw_is_that_of_patients() -> None:
    """Trainings of such studies stay as they are, to the bit."""
    patients = [f"P{number:02d}" for number in range(12)]
    drawn = list(np.random.default_rng(MICRO["seed"]).permutation(patients))
    assert split(patients[::-1], {}) == (drawn[2:], drawn[:2])
    assert split(patients, {}, share=0) == (patients, ["V"])


def test_one_person_cannot_train_and_end_the_training() -> None:
    with pytest.raises(ResiduaError, match=r"2 training patient\(s\) are one person, and a stopping_fraction"):
        split(["P1", "P1b"], {"P1b": "P1"})


@pytest.mark.parametrize("persons", [{}, {"P1b": "P1"}])
def test_a_training_reads_from_its_selection_whose_scans_are_whose(tmp_path: Path, persons: dict[str, str]) -> None:
    files = {}
    for patient in ("P1", "P1b", "P2"):
        file = tmp_path / f"{patient}.npz"
        file.touch()
        files[patient] = {key: {"path": str(file), "digest": ""} for key in ("pre_t1ce", REFERENCE_STANDARD)}
    record = {"channels": [{"name": "pre_t1ce", "is_label": False}], "files": files, "training": list(files)}
    named = {"persons": persons} if persons else {}
    (tmp_path / "fold0.json").write_text(json.dumps({**record, "validation": [], **named}))
    data, _ = read_training_set(str(tmp_path / "fold0.json"))
    assert data.persons == persons
