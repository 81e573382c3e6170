"""The profile and the rules that it names; no cluster is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
import yte

from rule_files import RULES
from runs import HOUSE

PROFILE = HOUSE / "profiles/slurm/config.yaml"


def profile() -> dict[str, Any]:
    """Read the profile as Snakemake does, with the cluster file in force."""
    with PROFILE.open() as stream:
        read: dict[str, Any] = yte.process_yaml(stream, require_use_yte=True)
    return read


def test_slurm_link_points_to_the_profile() -> None:
    assert (HOUSE / "slurm").is_symlink()
    assert (HOUSE / "slurm/config.yaml").resolve() == PROFILE


def test_every_rule_named_in_the_profile_exists() -> None:
    assert set(profile()["groups"]) | set(profile()["set-resources"]) <= set(RULES)


def test_every_grouped_rule_uses_in_turn() -> None:
    grouped = {name for name in profile()["groups"] if profile()["set-resources"].get(name, {}).get("in_turn") == 1}
    assert grouped == set(profile()["groups"])
    assert profile()["resources"]["in_turn"] == 1
    assert profile()["set-resource-scopes"]["in_turn"] == "local"


def test_cluster_file_reaches_every_rule_with_a_gpu_and_no_other(
    cluster_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster_file.write_text("{cpu: {account: payer}, gpu: {request: gres, type: a100}, max_runtime_h: 72}")
    monkeypatch.setenv("RESIDUA_CLUSTER", str(cluster_file))
    with_gpu = {name for name, body in RULES.items() if "gpu=" in body}
    changed = {name for name, resources in profile()["set-resources"].items() if "gres" in resources}
    assert changed == with_gpu != set()
    assert profile()["default-resources"]["slurm_account"] == "'payer'"
    assert profile()["resources"]["runtime"] == 4320
    assert profile()["set-resource-scopes"]["runtime"] == "local"


def test_profile_repeats_no_key_of_the_default_profile() -> None:
    default = yaml.safe_load((HOUSE / "profiles/default/config.yaml").read_text())
    assert not set(default) & set(profile())


def test_a_training_is_asked_to_leave_before_its_time_is_over() -> None:
    resources = profile()["set-resources"]
    asked = {name: given["slurm_extra"] for name, given in resources.items() if "slurm_extra" in given}
    assert asked == dict.fromkeys(("train", "train_preoperative", "train_brain_model"), "'--signal=TERM@120'")


def test_a_training_asks_for_the_same_memory_at_every_attempt() -> None:
    # It is tried again because its time was over; a node that takes the first attempt takes every one.
    trainings = {name: body for name, body in RULES.items() if name.startswith("train")}
    assert set(trainings) == {"train", "train_preoperative", "train_brain_model"}
    assert all(re.search(r"mem_mb=\d+,", body) for body in trainings.values())
