"""What is planned when channels are prepared by one interpolation, and what switching to it reruns."""

from __future__ import annotations

from collections import Counter

import pytest

from studies import Study, by_rule

BATCHES, CHANNELS, TRAINED_BATCHES = 3, 2, 2
SAMPLED = BATCHES * CHANNELS + TRAINED_BATCHES
"""Per network: the inputs of every batch, and the reference standard of those that are not held out."""


def composed(study: Study) -> None:
    study.configure(lambda config: config.update(preparation="composed"))


def test_composed_samples_once_per_network_and_strips_nothing(fresh: Study) -> None:
    paper = by_rule(fresh.planned())
    composed(fresh)
    jobs = fresh.planned()
    of_paper = Counter(
        strip=BATCHES * CHANNELS, prepare_stripped=BATCHES * CHANNELS, prepare_reference_standard=TRAINED_BATCHES
    )
    assert by_rule(jobs) == paper - of_paper + Counter(sample=SAMPLED, prepare_sampled=SAMPLED)
    assert paper & of_paper == of_paper
    assert paper["sample"] == 0
    assert {job["arch"] for job in jobs if job.rule == "sample"} == {"nnunet"}


def test_a_label_that_is_an_input_is_sampled_through_its_sequences_transform_and_not_warped(fresh: Study) -> None:
    # The registration would warp the label that SyN masks out.
    fresh.configure(lambda config: config["registration"].update(resected=None))
    fresh.configure(lambda config: config["inputs"].update(B=["post_t1ce", "pre_tumor"]))
    target = "results/prepared/nnunet/B/fold0.json"
    assert by_rule(fresh.planned(target))["warp_label"] > 0
    composed(fresh)
    jobs = fresh.planned(target)
    assert by_rule(jobs)["warp_label"] == 0
    assert {job["sequence"] for job in jobs if job.rule == "register"} == {"pre_t1ce"}


def test_switching_reruns_what_networks_see_and_no_registration_until_reverted(study: Study) -> None:
    composed(study)
    jobs = by_rule(study.planned())
    assert not {"register", "register_around_resection", "mask_brain", "strip", "check_cohort", "table2"} & set(jobs)
    assert jobs["sample"] == jobs["prepare_sampled"] == 2 * SAMPLED
    assert jobs["train"] == 2 * 2 * 2
    assert jobs["report"] == 1
    # What the finished study names is what a study is prepared by that names nothing.
    study.configure(lambda config: config.pop("preparation"))
    assert study.planned() == []


@pytest.mark.long
def test_what_is_sampled_is_prepared_and_stays(study: Study) -> None:
    composed(study)
    selected = [f"results/prepared/{part}.json" for part in ("nnunet/B/fold0", "agunet/B/holdout")]
    done = study.snakemake(*selected)
    assert done.returncode == 0, done.stdout + done.stderr
    assert study.planned(*selected) == []
