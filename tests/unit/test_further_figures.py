"""The figures beside the article's: their numbers, their words, and how they look."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from cohort_tables import PUBLISHED, ROOT, study
from golden_figures import assert_looks_as_stored, files_in, small_pictures, texts_of_figures
from residua.errors import ResiduaError
from residua.figures.calibration import calibration_figure, of_decision, of_map
from residua.figures.confusion import confusion_figure
from residua.figures.dice_by_volume import dice_by_volume_figure
from residua.figures.discrimination import at_cut, discrimination_figure, precision_recall, roc
from residua.figures.learning_curves import curve_of, learning_curves_figure
from residua.figures.models import best_of
from residua.figures.pipeline import pipeline_figure
from residua.figures.pipeline_words import rows_of
from residua.figures.volumes import volumes_figure
from residua.metrics.scored import scored_patients
from residua.publishing.publish import stage
from residua.settings.classification import Classification
from residua.settings.figures import FURTHER, Figures
from residua.wiring import publication
from test_wiring import loaded_study

CUT = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
LABELS = {"nnunet": "nnU-Net", "agunet": "AGU-Net"}
CHOICE = {"nnunet": "B", "agunet": "A"}


def measured(resected: float = 0.4, hospitals: int = 3) -> pd.DataFrame:
    """Volumes and Dice of 36 patients by two networks, a third of them of the hold-out."""
    rng = np.random.default_rng(11)
    n = 36
    reference = np.where(rng.random(n) < resected, 0.0, np.exp(rng.normal(0.8, 1.2, n)))
    frames = []
    for arch, inputs, skill in (("nnunet", "B", 0.85), ("agunet", "A", 0.7)):
        found = (rng.random(n) < skill) & (reference > 0)
        predicted = np.where(found, reference * rng.uniform(0.5, 1.6, n), np.where(rng.random(n) < 0.3, 0.4, 0.0))
        frames.append(
            pd.DataFrame(
                {
                    "arch": arch,
                    "inputs": inputs,
                    "split": np.where(np.arange(n) % 3 == 2, "test", "validation"),
                    "fold": [None if i % 3 == 2 else i % 2 for i in range(n)],
                    "patient": [f"P{i}" for i in range(n)],
                    "hospital": [f"H{i % hospitals}" for i in range(n)],
                    "dice": np.where(found, 1 - 0.5 / (1 + reference) - 0.2 * rng.random(n), 0.0),
                    "reference_ml": reference,
                    "predicted_ml": predicted,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def lesions_of(cases: pd.DataFrame) -> pd.DataFrame:
    """One lesion of each patient with tumour, and one false lesion of each network."""
    found = cases[cases["reference_ml"] > 0].assign(side="both", lesion=1)
    false = cases.drop_duplicates("arch").assign(side="prediction", lesion=2, dice=0.0, reference_ml=0.0)
    return pd.concat([found, false], ignore_index=True)


def maps_of(cases: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The largest probability of each patient, and the bins of each map."""
    rng = np.random.default_rng(2)
    keys = ["arch", "inputs", "split", "patient"]
    sure = 1 / (1 + np.exp(-1.5 * cases["predicted_ml"])) - 0.3 * rng.random(len(cases))
    maps = cases[keys].assign(largest_probability=np.clip(sure, 0, 1))
    bins = cases[keys].merge(pd.DataFrame({"bin": range(10)}), how="cross")
    bins["voxels"] = np.where(bins["bin"] == 0, 150_000, rng.integers(0, 400, len(bins)))
    bins["predicted"] = np.where(bins["voxels"] > 0, (bins["bin"] + 0.5) / 10, np.nan)
    bins["observed"] = bins["predicted"] ** 1.4
    return maps, bins


def curves_in(folder: Path) -> dict[tuple[str, str, int], str]:
    """Trainings of two networks over two folds; one keeps no curve."""
    manifests = {}
    for arch, inputs in (("nnunet", "B"), ("agunet", "A"), ("other", "A")):
        for fold in (0, 1):
            manifest = folder / f"{arch}/{inputs}/fold{fold}/manifest.json"
            manifest.parent.mkdir(parents=True)
            with stage(manifest) as part:
                (part / "weights.bin").write_bytes(b"0")
                if arch != "other":
                    losses = [(np.exp(-e / 8), np.exp(-e / 9) + 0.05 * np.sin(e + fold)) for e in range(20)]
                    lines = [
                        json.dumps({"epoch": e, "train_loss": t, "validation_loss": v})
                        for e, (t, v) in enumerate(losses)
                    ]
                    (part / "curve.jsonl").write_text("\n".join(lines) + "\n")
            manifests[arch, inputs, fold] = str(manifest)
    return manifests


Files = tuple[Path, Path, Path]
Drawn = Callable[[pd.DataFrame, Files], None]


def _calibration(cases: pd.DataFrame, out: Files) -> None:
    calibration_figure(cases, *maps_of(cases), CHOICE, CUT, LABELS, out)


FIGURES: dict[str, Drawn] = {
    "discrimination": lambda cases, out: discrimination_figure(cases, CHOICE, CUT, LABELS, out),
    "agreement": lambda cases, out: volumes_figure(cases, CHOICE, CUT, LABELS, 0.05, out),
    "dice_by_volume": lambda cases, out: dice_by_volume_figure(cases, lesions_of(cases), CHOICE, CUT, LABELS, out),
    "calibration": _calibration,
    "confusion": lambda cases, out: confusion_figure(cases, CHOICE, CUT, LABELS, out),
    "pipeline": lambda cases, out: pipeline_figure(study(), 5, LABELS, True, out),
    "learning_curves": lambda cases, out: learning_curves_figure(curves_in(out[0].parent), LABELS, out),
}


def test_every_further_figure_is_drawn_here() -> None:
    assert sorted(FIGURES) == sorted(FURTHER)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_looks_as_stored(name: str, tmp_path: Path) -> None:
    files = files_in(tmp_path, name)
    with small_pictures():
        FIGURES[name](measured(), files)
    assert_looks_as_stored(files[1])
    pdf = files[0].read_bytes()
    # Type 42 fonts are embedded as they are; type 3 ones cannot be edited.
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    words = files[2].read_text()
    assert words.startswith("Figure 2." if name == "pipeline" else words.split(" (not in the article)")[0])
    assert "nan" not in words.lower().split()


def odd_cases() -> dict[str, pd.DataFrame]:
    cases = measured()
    return {
        "nobody resected": measured(resected=0.0),
        "everybody resected": measured(resected=1.0).assign(predicted_ml=0.0, dice=np.nan),
        "no hold-out": cases[cases["split"] == "validation"],
        "one patient": cases[cases["patient"] == "P0"],
        "one network": cases[cases["arch"] == "nnunet"],
    }


@pytest.mark.parametrize("name", sorted(set(FIGURES) - {"pipeline", "learning_curves"}))
@pytest.mark.parametrize("odd", odd_cases())
def test_a_figure_of_one_class_or_few_patients_is_legible(name: str, odd: str, tmp_path: Path) -> None:
    files = files_in(tmp_path, name)
    with texts_of_figures() as texts:
        FIGURES[name](odd_cases()[odd], files)
    assert texts
    assert "nan" not in files[2].read_text().lower().split()


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_lies_over_another(name: str, tmp_path: Path) -> None:
    with texts_of_figures() as texts:
        FIGURES[name](measured(), files_in(tmp_path, name))
    assert any("nnU-Net" in text for text in texts)


def test_many_folds_are_legible(tmp_path: Path) -> None:
    known = curves_in(tmp_path)
    many = {
        (f"{arch}{n}", inputs, fold + 2 * n): file for n in range(5) for (arch, inputs, fold), file in known.items()
    }
    with texts_of_figures() as texts:
        learning_curves_figure(many, {}, files_in(tmp_path, "curves"))
    assert "fold 9" in texts


@pytest.mark.parametrize("name", sorted(set(FIGURES) - {"pipeline", "learning_curves"}))
def test_long_names_are_legible(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = {"nnunet": "Raidionics (made elsewhere)", "agunet": "Another network (made elsewhere)"}
    for arch, label in long.items():
        monkeypatch.setitem(LABELS, arch, label)
    with texts_of_figures() as texts:
        FIGURES[name](measured(), files_in(tmp_path, name))
    assert any("Raidionics (made elsewhere) B" in text for text in texts)


@pytest.mark.parametrize("seed", range(3))
def test_the_curves_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive = rng.random(40) < 0.6
    volume = np.round(np.maximum(0, positive + rng.normal(0, 1, 40)), 1)
    counts = scored_patients(volume, positive)
    alarms, found = roc(counts)
    expected = roc_curve(positive, volume, drop_intermediate=False)
    np.testing.assert_allclose(alarms, expected[0], atol=1e-6)
    np.testing.assert_allclose(found, expected[1], atol=1e-6)
    assert np.trapezoid(found, alarms) == pytest.approx(roc_auc_score(positive, volume), abs=1e-6)
    recall, precision = precision_recall(counts)
    expected = precision_recall_curve(positive, volume)
    np.testing.assert_allclose(recall[1:], expected[1][-2::-1], atol=1e-6)
    np.testing.assert_allclose(precision[1:], expected[0][-2::-1], atol=1e-6)
    area = np.sum(np.diff(recall) * precision[1:])
    assert area == pytest.approx(average_precision_score(positive, volume), abs=1e-6)


def test_the_dot_is_the_decision_of_the_study() -> None:
    cases = pd.DataFrame({"reference_ml": [1.0, 2.0, 0.1, 0.0, 0.175], "predicted_ml": [0.2, 0.1, 0.3, 0.0, 0.175]})
    assert at_cut(cases, 0.175) == pytest.approx((1 / 2, 2 / 3, 2 / 3))
    nobody = at_cut(cases.assign(predicted_ml=0.0), 0.175)
    assert nobody[:2] == (0.0, 0.0)
    assert np.isnan(nobody[2])


def test_voxels_of_all_patients_share_the_bins() -> None:
    bins = pd.DataFrame(
        {
            "bin": [0, 1, 0, 1],
            "voxels": [90, 10, 10, 0],
            "predicted": [0.01, 0.15, 0.05, np.nan],
            "observed": [0.0, 0.3, 0.1, np.nan],
        }
    )
    predicted, observed, voxels = of_map(bins)
    assert predicted.tolist() == pytest.approx([0.014, 0.15])
    assert observed.tolist() == pytest.approx([0.01, 0.3])
    assert voxels.tolist() == [100, 10]


def test_patients_without_a_map_take_no_part_in_the_decisions_calibration() -> None:
    cases = pd.DataFrame({"patient": ["P1", "P2", "P3"], "reference_ml": [1.0, 0.0, 2.0]})
    maps = pd.DataFrame({"patient": ["P1", "P2"], "largest_probability": [0.8, 0.4]})
    predicted, share, patients = of_decision(cases, maps, 0.175)
    assert (predicted.tolist(), share.tolist(), patients.tolist()) == (pytest.approx([0.6]), [0.5], [2])
    assert of_decision(cases, maps.iloc[:0], 0.175)[0].size == 0


def test_each_network_is_shown_with_its_best_inputs() -> None:
    cases = measured()
    worse = cases.assign(inputs="C", dice=0.0)
    models = best_of(pd.concat([worse, cases]), {"nnunet": "out_of_fold", "agunet": "C"}, "segmentation", CUT, LABELS)
    assert [(model.name, len(model.cases)) for model in models] == [("nnU-Net B", 36), ("AGU-Net C", 36)]


def test_the_last_of_repeated_epochs_counts(tmp_path: Path) -> None:
    lines = ['{"epoch": 0, "train_loss": 1.0}', '{"epoch": 1, "train_loss": 0.5, "validation_loss": 0.6}']
    again = '{"epoch": 1, "train_loss": 0.4, "validation_loss": 0.7}'
    with stage(tmp_path / "fold0/manifest.json") as part:
        (part / "curve.jsonl").write_text("\n".join([*lines, again]) + "\n")
    curve = curve_of(str(tmp_path / "fold0/manifest.json"))
    assert curve is not None
    assert [part.tolist() for part in curve[:2]] == [[1.0, 2.0], [1.0, 0.4]]
    assert np.isnan(curve[2][0])
    assert curve[2][1] == 0.7


@pytest.mark.parametrize("text", ["no json", '{"train_loss": 1}', "[1]"])
def test_a_damaged_curve_is_named(text: str, tmp_path: Path) -> None:
    with stage(tmp_path / "fold0/manifest.json") as part:
        (part / "curve.jsonl").write_text(text + "\n")
    with pytest.raises(ResiduaError, match=r"curve\.jsonl: the learning curve cannot be read"):
        curve_of(str(tmp_path / "fold0/manifest.json"))


def words_of(rows: list[Any]) -> str:
    return "\n".join(line for row in rows for box in row for line in (box.heading, *box.lines))


def test_the_pipeline_tells_the_configuration() -> None:
    published = words_of(rows_of(study(), 5, LABELS, rated=True))
    for part in (
        "ANTs, SyN", "Brain mask by deepbet", "Spacing 0.5 × 0.5 × 1 mm", "Patches of 128 × 192 × 80 voxels",
        "Whole brain, 128 × 128 × 144 voxels", "Filters 16, 32, 128, 256, 256", "the best of 12 out of fold",
        "Components below 20 voxels are removed (26-connected)", "From 0.175 ml residual tumour", "Raters",
    ):  # fmt: skip
        assert part in published, part
    assert "Raters" not in words_of(rows_of(study(), 5, LABELS, rated=False))
    sequences = {"reference": "post_t1ce", "moving": [], "before_surgery": []}
    registration = {**PUBLISHED["registration"], "resected": None, "across_surgery": None}
    one = {"inputs": {"A": ["post_t1ce"]}, "labels": {"residual": "post_t1ce"}, "registration": registration}
    best = {name: {"nnunet": "A", "agunet": "A"} for name in ("segmentation", "classification", "raters")}
    networks = {**PUBLISHED["networks"], "agunet": {**PUBLISHED["networks"]["agunet"], "init": "none"}}
    statistics = {**PUBLISHED["statistics"], "best_inputs": best}
    alone = study(networks=networks, sequences=sequences, statistics=statistics, **one)
    told = words_of(rows_of(alone, 3, LABELS, rated=False))
    assert "None: the post-operative T1w-CE is the only sequence" in told
    assert "Scans before surgery" not in told


def test_the_configuration_names_the_figures_that_are_made(tmp_path: Path) -> None:
    assert Figures().further == FURTHER
    none = loaded_study(tmp_path / "none", figures={"further": []})
    assert not set(FURTHER) & set(publication.figures(none))
    some = loaded_study(tmp_path / "some", figures={"further": ["confusion", "pipeline"]})
    assert [name for name in publication.figures(some) if name in FURTHER] == ["confusion", "pipeline"]
    with pytest.raises(ValueError, match="stands more than once"):
        Figures.model_validate({"further": ["confusion", "confusion"]})
    with pytest.raises(ValueError, match="forest"):
        Figures.model_validate({"further": ["forests"]})


def test_every_further_figure_has_its_place_in_the_report_and_its_caption_in_the_rules() -> None:
    page = (ROOT / "src/residua/report/template.html").read_text(encoding="utf-8")
    rules = (ROOT / "rules/further_figures.smk").read_text(encoding="utf-8")
    for name in FURTHER:
        assert f'"{name}"' in page, name
        assert f'png=report("results/figures/{name}.png", caption="captions/figure.rst"' in " ".join(rules.split()), (
            name
        )
