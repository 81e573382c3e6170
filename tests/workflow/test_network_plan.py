"""A network that nnU-Net plans: the first run makes the plan and no training, the second goes on with its numbers."""

from __future__ import annotations

from collections import Counter

from residua.networks.cases import Channel
from residua.networks.nnunet.plans import make_plans
from residua.networks.nnunet.settings import NnUNetSettings
from residua.publishing.publish import write_json
from residua.settings.study import load_study
from residua.settings.yaml_file import read_yaml
from studies import Study, by_rule

PLAN = "results/plans/nnunet/resenc-m.json"
TRAINING = "results/models/nnunet/B/fold0/manifest.json"


def test_a_plan_is_made_before_anything_is_prepared_or_trained(fresh: Study) -> None:
    settings = load_study(read_yaml(fresh.config_file)).settings_of("nnunet")
    fresh.configure(lambda config: config["networks"]["nnunet"].update(plans="resenc-m"))
    jobs = fresh.planned()
    # The brains of the two hospitals of the folds; nothing of the hold-out.
    assert by_rule(jobs) == Counter(mask_brain=2, plan_network=1, plan_networks=1)
    assert {job["batch"] for job in jobs if job.rule == "mask_brain"} == {"STO-0", "GOT-0"}
    refused = fresh.snakemake("--dry-run", TRAINING)
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert f"{TRAINING} cannot be made yet: a network waits for its plan" in said
    assert f"First give the same command with {PLAN} in its place" in said
    assert "No rule to produce" not in said
    # What does not wait for a plan can be asked for.
    assert by_rule(fresh.planned("results/brain/STO-0/manifest.json")) == Counter(mask_brain=1)

    changed = {"residual_blocks": (1, 2, 2), "patch_size": (32, 32, 16)}
    planned = NnUNetSettings.model_validate({**settings.model_dump(), **changed})
    channels = [Channel(name, is_label=False) for name in ("post_t1ce", "post_t1")]
    write_json(fresh.folder / PLAN, make_plans(planned, channels))
    counted = by_rule(fresh.planned(TRAINING))
    assert counted["train"] == 1
    assert counted["plan_network"] == 0
