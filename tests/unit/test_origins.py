"""Origins: a result says from which models and thresholds it was made, through every job between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from residua.errors import DamagedStageError, ResiduaError
from residua.publishing.origins import forget_origins, keep_origins, origins_of, read_origins, require_current
from residua.publishing.publish import digest, write_json, write_text
from residua.publishing.seals import sealed_files

MODELS = [f"results/models/nnunet/B/fold{fold}/manifest.json" for fold in (0, 1)]
OTHER, BEFORE = "results/models/agunet/B/fold0/manifest.json", "results/models/agunet/pre-operative/fold0/manifest.json"
MAPS = [f"results/predictions/nnunet/B/fold{fold}/manifest.json" for fold in (0, 1)]
THRESHOLD, TABLE = "results/segmentations/nnunet/B/threshold.json", "results/tables/table2.csv"


def job(inputs: list[str], *outputs: str, text: str = "made") -> None:
    """What scripts/_here.py keeps of a job."""
    forget_origins(outputs)
    found = origins_of(inputs)
    for output in outputs:
        write_text(output, text)
    keep_origins(outputs, found)


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "my study"
    place.mkdir()
    monkeypatch.chdir(place)
    job(["cohort.tsv"], BEFORE)
    job([BEFORE], OTHER)
    for model, maps in zip(MODELS, MAPS, strict=True):
        job(["results/prepared/nnunet/B/fold0.json"], model, text=model)
        job([model], maps)
    job(MAPS, THRESHOLD)
    job([THRESHOLD, *MAPS, OTHER], TABLE)
    return place


def test_a_result_names_every_model_and_threshold_behind_it() -> None:
    assert read_origins(MAPS[1]) == {MODELS[1]: [digest(MODELS[1])]}
    assert read_origins(THRESHOLD) == {model: [digest(model)] for model in MODELS}
    # Not the model from which a training began: the model's own digest stands for that.
    assert set(read_origins(TABLE)) == {*MODELS, THRESHOLD, OTHER}
    job([THRESHOLD], "results/statistics/nested.parquet")
    said = {**read_origins(THRESHOLD), THRESHOLD: [digest(THRESHOLD)]}
    assert read_origins("results/statistics/nested.parquet") == said
    assert read_origins(OTHER) == {BEFORE: [digest(BEFORE)]}
    assert read_origins(BEFORE) == read_origins("cohort.tsv") == {}
    # They are not taken for files that a job made.
    assert sealed_files() == []


@pytest.mark.parametrize(
    ("again", "kind"), [(MODELS[0], "model results/models/nnunet/B/fold0"), (THRESHOLD, f"threshold {THRESHOLD}")]
)
def test_a_result_that_is_older_than_what_it_comes_from_is_refused(study: Path, again: str, kind: str) -> None:
    require_current(study, [TABLE, THRESHOLD])
    job(MAPS if again == THRESHOLD else [], again, text="another")
    with pytest.raises(ResiduaError) as raised:
        require_current(study, [TABLE])
    assert str(raised.value).startswith(f"{study}: {TABLE} is older than the {kind}, which was made again")
    assert str(raised.value).endswith(f"if it has nothing to do, rm '{study / TABLE}' '{study / THRESHOLD}' first")
    require_current(study, [TABLE], {OTHER}.__contains__)
    if again in MODELS:
        job(MODELS[:1], MAPS[0])
        job(MAPS, THRESHOLD)
    with pytest.raises(ResiduaError, match=TABLE):
        require_current(study, [TABLE])
    job([THRESHOLD, *MAPS, OTHER], TABLE)
    require_current(study, [TABLE, THRESHOLD])


def test_a_result_of_old_and_new_maps_is_refused(study: Path) -> None:
    job([], MODELS[0], text="another")
    job(MODELS[:1], "results/ensemble/nnunet/B/manifest.json")
    job([MAPS[0], "results/ensemble/nnunet/B/manifest.json"], "results/metrics/nnunet/B.parquet")
    assert len(read_origins("results/metrics/nnunet/B.parquet")[MODELS[0]]) == 2
    with pytest.raises(ResiduaError, match=r"B.parquet is older than the model"):
        require_current(study, ["results/metrics/nnunet/B.parquet"])


def test_results_of_one_state_pass_where_the_models_are_gone_and_those_of_two_do_not(study: Path) -> None:
    """A copy of tables without the models, and a training that is about to be repeated."""
    for model in MODELS:
        Path(model).unlink()
    require_current(study, [TABLE, THRESHOLD])
    job([], MODELS[0], text="another")
    job(MODELS[:1], "results/figures/figure4.pdf")
    Path(MODELS[0]).unlink()
    with pytest.raises(ResiduaError, match="is older than the model"):
        require_current(study, [TABLE, "results/figures/figure4.pdf"])


def test_what_is_made_again_without_models_has_none() -> None:
    job(["cohort.tsv"], TABLE)
    assert read_origins(TABLE) == {}


def test_origins_that_cannot_be_read_are_one_message() -> None:
    Path("results/.sha256/tables/table2.csv.json").write_text("{")
    with pytest.raises(DamagedStageError, match=f"rm {TABLE} and run the same snakemake command again"):
        read_origins(TABLE)
    write_json("results/.sha256/tables/table2.csv.json", {})
    assert read_origins(TABLE) == {}
