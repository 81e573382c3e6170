"""The pages of the hospitals and of the worst cases: who is shown, what is said, and what is drawn."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cohort_tables import PUBLISHED
from pages import Page
from residua.casebook import pictures
from residua.casebook.hospitals import parts_of, patients, summaries
from residua.casebook.ranking import KINDS, choose, ranked, with_outcomes
from residua.casebook.write import CaseSources, Plan, page_of, write_pages
from residua.errors import DamagedStageError
from residua.publishing.publish import stage
from residua.settings.classification import Classification
from residua.settings.study import load_study
from residua.wiring import casebook
from test_wiring import loaded_study

CLASSES = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)
MODELS = {"nnunet": "nnU-Net B", "agunet": "AGU-Net B"}
INPUTS = {"nnunet": "B", "agunet": "B"}
BY_NAME = {kind.name: kind for kind in KINDS}
NAN = float("nan")


def cases_of(*rows: tuple[str, str, str, float, float, float], inputs: str = "B") -> pd.DataFrame:
    """Measured cases: network, patient, split, reference and predicted volume in ml, and Dice."""
    records = []
    for arch, patient, split, reference, predicted, dice in rows:
        records.append(
            {
                "arch": arch,
                "inputs": inputs,
                "split": split,
                "fold": 0 if split == "validation" else pd.NA,
                "patient": patient,
                "hospital": patient[:3],
                "dice": dice,
                "hd95_mm": NAN if not dice > 0 else 3.0,
                "reference_ml": reference,
                "predicted_ml": predicted,
                "absolute_volume_error_ml": abs(predicted - reference),
                "volume_error_ml": predicted - reference,
            }
        )
    return pd.DataFrame(records).astype({"fold": "Int64"})


CASES = cases_of(
    ("nnunet", "STO1", "validation", 2.0, 0.0, 0.0),  # missed, the largest
    ("nnunet", "STO2", "validation", 0.0, 1.0, 0.0),  # false alarm
    ("nnunet", "AMS1", "test", 5.0, 4.0, 0.8),
    ("nnunet", "AMS2", "test", 0.0, 0.0, NAN),  # nothing there, nothing found
    ("agunet", "STO1", "validation", 2.0, 1.0, 0.1),
    ("agunet", "STO2", "validation", 0.0, 3.0, 0.0),  # false alarm, the largest
    ("agunet", "AMS1", "test", 5.0, 0.1, 0.05),  # missed, larger than STO1
    ("agunet", "AMS2", "test", 0.0, 0.1, 0.0),  # below the cut: no false alarm
)


def rows_of(cases: pd.DataFrame = CASES) -> pd.DataFrame:
    return with_outcomes(cases, INPUTS, CLASSES)


def order(name: str) -> list[tuple[str, str]]:
    found = ranked(rows_of(), BY_NAME[name])
    return list(zip(found["arch"], found["patient"], strict=True))


def test_each_kind_of_failure_is_ranked_by_its_own_number() -> None:
    assert order("missed") == [("agunet", "AMS1"), ("nnunet", "STO1")]
    assert order("false_alarm") == [("agunet", "STO2"), ("nnunet", "STO2")]
    assert order("low_dice") == [("agunet", "STO1"), ("nnunet", "AMS1")]
    assert order("volume_error")[:2] == [("agunet", "AMS1"), ("agunet", "STO2")]
    assert ("nnunet", "AMS2") not in order("volume_error")


def test_patients_are_taken_in_turn_and_shown_once() -> None:
    chosen = {number: [case.patient for case in choose(rows_of(), number, MODELS)] for number in range(6)}
    assert chosen[0] == []
    assert chosen[1] == ["AMS1"]
    assert chosen[3] == ["AMS1", "STO2", "STO1"]
    assert sorted(chosen[4]) == sorted(chosen[5]) == ["AMS1", "AMS2", "STO1", "STO2"]
    assert [case.chosen_for.name for case in choose(rows_of(), 3, MODELS)] == ["missed", "false_alarm", "low_dice"]


def test_a_case_says_every_failure_with_its_rank() -> None:
    (first, *_) = choose(rows_of(), 4, MODELS)
    said = [(one.kind.name, one.rank, one.of, one.what) for one in first.failures]
    assert said == [
        ("missed", 1, 2, "AGU-Net B finds 0.10 ml of 5.00 ml and calls the patient resected"),
        ("low_dice", 2, 2, "nnU-Net B finds the tumour with a Dice of 80.0 %"),
        ("volume_error", 1, 7, "AGU-Net B errs by −4.90 ml"),
        ("volume_error", 5, 7, "nnU-Net B errs by −1.00 ml"),
    ]


def test_a_study_without_failures_shows_nobody() -> None:
    perfect = cases_of(("nnunet", "AMS2", "test", 0.0, 0.0, NAN))
    assert choose(with_outcomes(perfect, INPUTS, CLASSES), 12, MODELS) == []


def test_only_the_chosen_inputs_of_a_network_count() -> None:
    others = cases_of(("nnunet", "AMS1", "test", 5.0, 0.0, 0.0), inputs="A")
    assert len(with_outcomes(pd.concat([others, CASES]), INPUTS, CLASSES)) == len(CASES)


def test_a_hospital_is_summarised_in_numbers_or_in_words() -> None:
    of_sto, of_ams = (rows_of()[rows_of()["hospital"] == name] for name in ("STO", "AMS"))
    nnunet, agunet = summaries(of_sto, MODELS, CLASSES)
    assert (nnunet.model, nnunet.patients, nnunet.with_tumour) == ("nnU-Net B", 2, 1)
    assert (nnunet.dice, nnunet.found, nnunet.false_alarms) == ("0.00 (one patient)", "0 of 1", "1 of 1")
    assert nnunet.volume_error == "1.500"
    assert (agunet.found, agunet.balanced_accuracy) == ("1 of 1", "50.00")
    assert parts_of(of_sto) == ["fold 0"]
    assert parts_of(of_ams) == ["hold-out"]
    persons = pd.concat([of_sto, of_sto.assign(fold=4), of_sto.assign(fold=2), of_ams])
    assert parts_of(persons) == ["folds 0, 2 and 4", "hold-out"]
    only_tumour = of_ams[of_ams["patient"] == "AMS1"]
    (first, _) = summaries(only_tumour, MODELS, CLASSES)
    assert first.balanced_accuracy == "not estimable: one class only"
    assert first.false_alarms == "no patient without residual tumour"
    (first, _) = summaries(of_ams[of_ams["patient"] == "AMS2"], MODELS, CLASSES)
    assert first.dice == first.found == "no patient with residual tumour"
    two = pd.concat([of_sto, of_ams])
    assert summaries(two, MODELS, CLASSES)[0].dice == "40.00±56.57"


def test_patients_are_listed_with_what_is_undefined_in_words() -> None:
    first, second, *_ = patients(rows_of(), MODELS)
    assert (first.patient, first.model, first.outcome, first.failed) == ("STO1", "nnU-Net B", "missed", True)
    assert (first.dice, first.hd95) == ("0.0", "not defined")
    assert (second.patient, second.model, second.outcome, second.failed) == ("STO1", "AGU-Net B", "found", False)
    empty = next(row for row in patients(rows_of(), MODELS) if row.patient == "AMS2")
    assert (empty.dice, empty.outcome) == ("not defined", "no residual tumour, none found")


def saved(file: Path, data: np.ndarray) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(data, np.diag([1.0, 1.0, 2.0, 1.0])).to_filename(file)
    return str(file)


def cube(*levels: int, at: int = 10) -> np.ndarray:
    mask = np.zeros((32, 32, 12), dtype=np.uint8)
    mask[at : at + 5, at : at + 5, list(levels)] = 1
    return mask


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    brain = np.zeros((32, 32, 12), dtype=np.uint8)
    brain[4:28, 4:28, 1:11] = 1
    scan = np.random.default_rng(0).normal(100, 10, brain.shape).astype(np.float32) * brain
    return {
        "image": saved(tmp_path / "scan.nii.gz", scan),
        "brain": saved(tmp_path / "brain.nii.gz", brain),
        "reference": saved(tmp_path / "reference.nii.gz", cube(2, 3)),
        "beside": saved(tmp_path / "beside.nii.gz", cube(2, 3, 7)),
        "equal": saved(tmp_path / "equal.nii.gz", cube(2, 3)),
        "empty": saved(tmp_path / "empty.nii.gz", np.zeros((32, 32, 12), dtype=np.uint8)),
    }


def shown(files: dict[str, str], reference: str, *predictions: str) -> Any:
    masks = {name: files[name] for name in predictions}
    return pictures._slice_of(files["image"], files[reference], files["brain"], masks)


def test_the_slice_is_the_one_on_which_masks_differ_most(files: dict[str, str]) -> None:
    differing = shown(files, "reference", "beside")
    assert not differing.reference.any()
    assert differing.predictions["beside"].sum() == 25
    missed = shown(files, "reference", "empty")
    assert missed.reference.sum() == 25
    equal = shown(files, "reference", "equal")
    assert equal.reference.sum() == equal.predictions["equal"].sum() == 25


def test_a_picture_has_a_panel_for_each_network(files: dict[str, str]) -> None:
    widths = []
    for names in ((), ("equal",), ("equal", "beside")):
        uri = pictures.case_picture(files["image"], files["reference"], files["brain"], {n: files[n] for n in names})
        picture = Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))))
        pixels = np.asarray(picture).astype(int)
        # The reference standard is outlined in blue, unless the slice has none of it; all else is grey or red.
        assert ((pixels[..., 2] - pixels[..., 0]).max() > 80) == ("beside" not in names)
        widths.append(picture.width)
    assert widths[0] < widths[1] < widths[2]


def test_a_patient_without_any_mask_has_a_picture_too(files: dict[str, str]) -> None:
    assert pictures.case_picture(files["image"], files["empty"], files["brain"], {"a": files["empty"]})


@pytest.fixture
def sources(tmp_path: Path, files: dict[str, str]) -> CaseSources:
    names = ("STO1", "STO2", "AMS1", "AMS2")
    metrics, segmentations = [], {}
    for arch in MODELS:
        metrics.append(str(tmp_path / f"{arch}.parquet"))
        CASES[CASES["arch"] == arch].to_parquet(metrics[-1])
        manifests = [str(tmp_path / arch / split / "manifest.json") for split in ("validation", "test")]
        for manifest, hospital in zip(manifests, ("STO", "AMS"), strict=True):
            with stage(manifest) as part:
                for name in names:
                    if name.startswith(hospital):
                        saved(part / f"{name}.nii.gz", cube(2, 3))
        segmentations[arch, "B"] = manifests
    brain = str(tmp_path / "brains" / "manifest.json")
    with stage(brain) as part:
        for name in names:
            (part / f"{name}.nii.gz").write_bytes(Path(files["brain"]).read_bytes())
    baseline = tmp_path / "baseline.csv"
    baseline.write_text(',All,All n,STO,STO n\nScans,4,,2,\n"Age, years","60 [50, 70]",4,"55 <b>",2\n')
    return CaseSources(
        metrics=metrics,
        segmentations=segmentations,
        scans=dict.fromkeys(names, (files["image"], files["reference"])),
        brains=dict.fromkeys(names, brain),
        pages={name: f"../../quality/{name[:3]}-0/{name}.html" for name in names},
        baseline=str(baseline),
    )


PLAN = Plan("A <study>", {"nnunet": "nnU-Net", "agunet": "AGU-Net"}, INPUTS, CLASSES, 3)


def test_the_pages_are_whole_and_their_links_lead_somewhere(sources: CaseSources, tmp_path: Path) -> None:
    out = tmp_path / "pages"
    write_pages(sources, PLAN, out)
    assert {file.name for file in out.iterdir()} == {"index.html", "hospital-STO.html", "hospital-AMS.html"}
    for file in out.iterdir():
        text = file.read_text(encoding="utf-8")
        page = Page(text)
        assert str(tmp_path) not in text
        assert "A &lt;study&gt;" in text
        assert "nan" not in [word.lower() for word in " ".join(page.words).split()]
        for link in page.links:
            known = (*sources.pages.values(), "../index.html", *(f"#{name}" for name in page.ids))
            assert link.startswith("data:image/jpeg") or link in known or (out / link).is_file(), link[:80]
    index = Page((out / "index.html").read_text(encoding="utf-8"))
    assert [alt.partition(":")[0] for alt in index.alts] == ["AMS1", "STO2", "STO1"]
    hospital = " ".join(Page((out / page_of("STO")).read_text(encoding="utf-8")).words)
    assert "55 <b>" in hospital
    assert "AMS1" not in hospital


def test_equal_runs_give_equal_pages(sources: CaseSources, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_pages(sources, PLAN, tmp_path / name)
    assert (tmp_path / "one/index.html").read_bytes() == (tmp_path / "two/index.html").read_bytes()


def test_a_damaged_mask_is_refused(sources: CaseSources, tmp_path: Path) -> None:
    Path(sources.segmentations["nnunet", "B"][1]).with_name("AMS1.nii.gz").write_bytes(b"no mask")
    with pytest.raises(DamagedStageError, match=r"AMS1\.nii\.gz"):
        write_pages(sources, PLAN, tmp_path / "pages")


def test_a_network_without_a_prediction_of_a_patient_has_no_panel(sources: CaseSources, tmp_path: Path) -> None:
    rest = CASES[(CASES["arch"] == "agunet") & (CASES["patient"] != "AMS1")]
    rest.to_parquet(sources.metrics[1])
    write_pages(sources, PLAN, tmp_path / "pages")
    text = (tmp_path / "pages/index.html").read_text(encoding="utf-8")
    (article,) = re.findall(r"<article>\s*<h4><a [^>]*>STO2.*?</article>", text, re.DOTALL)
    assert article.count("<tr>") == 3
    assert "AMS1" in (tmp_path / "pages/hospital-AMS.html").read_text(encoding="utf-8")


def test_pages_are_made_unless_the_configuration_asks_for_none(tmp_path: Path) -> None:
    assert load_study(PUBLISHED).report.cases == 12
    loaded = loaded_study(tmp_path)
    assert casebook.pages(loaded) == ["results/report/cases/manifest.json"]
    assert casebook.pages(loaded_study(tmp_path / "none", report={"cases": 0})) == []
    assert casebook.quality_pages(loaded)["AMS1"] == "../../quality/AMS-0/AMS1.html"
    assert casebook.brains(loaded)["AMS1"] == "results/brain/AMS-0/manifest.json"
    assert set(casebook.scans(loaded)) == set(loaded.split.patients)
