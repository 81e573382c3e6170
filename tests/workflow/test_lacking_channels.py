"""A network that is trained to do without channels is trained anew, and judged with every subset of them."""

from __future__ import annotations

import pandas as pd
import pytest

from studies import Study, by_rule


@pytest.fixture
def dropping(study: Study) -> Study:
    """The finished study with nnU-Net alone, whose inputs B may lack the T1w from now on."""
    study.configure(lambda config: config.update(archs=["nnunet"], channel_dropout={"B": 0.5}))
    return study


def test_only_its_own_networks_are_trained_anew(dropping: Study) -> None:
    planned = dropping.planned()
    assert {job["inputs"] for job in planned if job.rule == "train"} == {"B"}
    assert by_rule(planned)["ensemble_lacking"] == 1


@pytest.mark.long
def test_every_subset_of_the_channels_is_judged(dropping: Study) -> None:
    dropping.run()
    table = pd.read_csv(dropping.folder / "results/tables/subsets.csv")
    found = list(zip(table["Channels"], table["Input"], strict=True))
    both = "post-operative T1w-CE and post-operative T1w"
    assert found == [(both, "B"), ("post-operative T1w-CE", "B"), ("post-operative T1w-CE", "A")]
    alone = pd.read_parquet(dropping.folder / "results/lacking/nnunet/B/post_t1ce.parquet")
    whole = pd.read_parquet(dropping.folder / "results/metrics/nnunet/B.parquet")
    held_out = whole[whole["split"] == "test"]
    assert alone["patient"].tolist() == held_out["patient"].tolist()
    assert alone["reference_ml"].tolist() == held_out["reference_ml"].tolist()
    assert alone["predicted_ml"].tolist() != held_out["predicted_ml"].tolist()
    assert "Channels that are missing" in (dropping.folder / "results/report/index.html").read_text()
