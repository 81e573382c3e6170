"""A run as a Workflow Run RO-Crate: what it must say, what it must not hold, and when it is refused."""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cohort_tables import PUBLISHED, ROOT
from residua.cli import app
from residua.errors import ResiduaError
from residua.export.crate import PROFILES, Packing, write_crate
from residua.export.crate_contents import FIGURES, FIGURES_OF_SCANS, TABLES
from residua.export.run_times import StageTimes, times_of
from residua.publishing.origins import keep_origins, origins_of
from residua.publishing.publish import write_json, write_text
from residua.settings.study import load_study
from residua.tables.supplement import _SUPPLEMENT
from residua.version import __version__
from residua.wiring import digests, validation

SECRET = "/data/My Secret"
PATIENT = "STO0042"
END = 1_700_000_000


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The folder of a finished study, with what names patients and places."""
    folder = tmp_path / "study"
    weights = {"file": f"{SECRET}/weights.safetensors", "sha256": "a" * 64}
    networks = {**PUBLISHED["networks"], "agunet": {**PUBLISHED["networks"]["agunet"]}}
    networks["agunet"] |= {"init": "file", "initial_weights": weights}
    mask = {"method": "raidionics", "weights": f"{SECRET}/brain.zip", "weights_sha256": "b" * 64}
    elsewhere = {
        "theirs": {
            "label": "Theirs",
            "kind": "masks",
            "has_seen_patients": "no",
            "inputs": {"B": f"{SECRET}/{{patient}}.nii.gz"},
        }
    }
    own = {
        "cohort": f"{SECRET}/cohort.tsv",
        "elsewhere": elsewhere,
        "raters": f"{SECRET}/raters.tsv",
        "networks": networks,
        "brain_mask": mask,
    }
    write_json(folder / "results/cohort/study.json", {**PUBLISHED, **own})
    write_json(folder / "results/cohort/folds.json", {"patients": [PATIENT]})
    for name in ("index.html", "methods.md", "references.bib", "claim.csv", "cases.lock", "cases/index.html"):
        write_text(folder / "results/report" / name, PATIENT if "/" in name else "of the report\n")
    for name in ("table1.csv", "table1.html", "table4.tex"):
        write_text(folder / "results/tables" / name, "a table\n")
    for name in ("figure1.png", "figure3.pdf", "figure4.png", "flow.txt"):
        write_text(folder / "results/figures" / name, "a figure\n")
    write_text(folder / f"results/metrics/{PATIENT}.parquet", PATIENT)
    benchmark(folder, f"register/{PATIENT}_post_t1", "s\tmax_rss\n9.0\t80\n30.0\t100.4\n", END - 100)
    benchmark(folder, "register/GOT1_post_t1", "s\tmax_rss\n10.5\t-\n", END - 50)
    benchmark(folder, "report", "s\tmax_rss\n2.5\t50\n", END)
    return folder


def benchmark(folder: Path, name: str, text: str, ended: int) -> None:
    file = folder / f"results/benchmarks/{name}.tsv"
    write_text(file, text)
    os.utime(file, (ended, ended))


def crate_of(study: Path, **changes: Any) -> tuple[Path, dict[str, dict[str, Any]]]:
    out = study.parent / "crate"
    write_crate(Packing(study, ROOT, **changes), out)
    record = json.loads((out / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    return out, {entity["@id"]: entity for entity in record["@graph"]}


def test_the_crate_has_what_the_profiles_require(study: Path) -> None:
    """RO-Crate 1.1, Process Run Crate 0.5, Workflow Run Crate 0.5 and Workflow RO-Crate 1.0, property by property."""
    _, entities = crate_of(study)
    descriptor, root = entities["ro-crate-metadata.json"], entities["./"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["about"] == {"@id": "./"}
    assert {"@id": "https://w3id.org/ro/crate/1.1"} in descriptor["conformsTo"]
    assert root["@type"] == "Dataset"
    assert datetime.fromisoformat(root["datePublished"])
    assert root["name"] == PUBLISHED["title"]
    assert root["description"]
    assert entities[root["license"]["@id"]]["name"]
    assert root["conformsTo"] == [{"@id": url} for url, _, _ in PROFILES]
    for url, _, number in PROFILES:
        assert (entities[url]["@type"], entities[url]["version"]) == ("CreativeWork", number)
    workflow = entities[root["mainEntity"]["@id"]]
    assert set(workflow["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert workflow["name"]
    language = entities[workflow["programmingLanguage"]["@id"]]
    assert (language["@type"], language["name"]) == ("ComputerLanguage", "Snakemake")
    run = entities[root["mentions"]["@id"]]
    assert run["@type"] == "CreateAction"
    assert run["instrument"] == root["mainEntity"]
    assert run["object"] == {"@id": "config.yaml"}
    assert {"@id": "results/tables/table1.csv"} in run["result"]
    assert {"@id": "times.csv"} in run["result"]
    assert all(entities[made["@id"]]["@type"] == "File" for made in run["result"])
    assert {"rules/report.smk", "scripts/report.py", "envs/core.yaml"} <= {part["@id"] for part in workflow["hasPart"]}


def test_every_file_is_described_and_every_description_has_its_file(study: Path) -> None:
    out, entities = crate_of(study)
    there = {file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()}
    described = {name for name, entity in entities.items() if "File" in entity["@type"]}
    assert described == there - {"ro-crate-metadata.json"}
    assert {part["@id"] for part in entities["./"]["hasPart"]} == described
    for name in described - {"Snakefile"}:
        assert int(entities[name]["contentSize"]) == (out / name).stat().st_size
        assert re.fullmatch(r"\w+/[\w.-]+", entities[name]["encodingFormat"])
    wanted = {reference["@id"] for entity in entities.values() for reference in references(entity)}
    outside = {name for name in wanted - set(entities) if not name.startswith("http")}
    assert outside == set()


def references(entity: dict[str, Any]) -> list[dict[str, str]]:
    values = [value if isinstance(value, list) else [value] for value in entity.values()]
    return [item for value in values for item in value if isinstance(item, dict)]


def test_the_crate_holds_no_patient_no_picture_of_one_and_no_place(study: Path) -> None:
    out, _ = crate_of(study)
    for file in out.rglob("*"):
        assert PATIENT not in file.name
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            assert PATIENT not in text, file
            assert SECRET not in text, file
            assert str(study.parent) not in text, file
            assert str(ROOT) not in text, file
    names = {file.relative_to(out / "results").as_posix() for file in (out / "results").rglob("*") if file.is_file()}
    assert names == {
        *("report/methods.md", "report/references.bib", "report/claim.csv"),
        *("tables/table1.csv", "tables/table1.html", "tables/table4.tex", "figures/figure4.png", "figures/flow.txt"),
    }


@pytest.mark.parametrize("pictures", [False, True])
def test_only_results_that_are_known_are_packed(study: Path, pictures: bool) -> None:
    unknown = (
        *("figures/.writing-figure1.png.x1.png", "figures/.figure4.png", "figures/figure5.png", "figures/figure4.svg"),
        *("figures/figure1_large.png", "tables/.writing-table1.csv.x1", "tables/patients.csv", "tables/table1.parquet"),
        *("report/.claim.csv", "report/.writing-index.html.x1.html", "report/cases.html", "report/notes.md"),
    )
    expected = set(crate_of(study, pictures=pictures)[1])
    shutil.rmtree(study.parent / "crate")
    for name in unknown:
        write_text(study / "results" / name, PATIENT)
    out, entities = crate_of(study, pictures=pictures)
    assert set(entities) == expected
    assert {file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()} <= {
        "ro-crate-metadata.json",
        *expected,
    }


def test_every_table_and_figure_is_decided_upon() -> None:
    """A new one fails here until somebody says whether it shows scans of patients."""
    rules = "".join(file.read_text() for file in sorted((ROOT / "rules").glob("*.smk")))
    figures = set(re.findall(r'png=report\("results/figures/(\w+)\.png"', rules))
    assert figures == {*FIGURES, *FIGURES_OF_SCANS}
    assert not set(FIGURES) & set(FIGURES_OF_SCANS)
    of_study = set(re.findall(r'csv="results/tables/(\w+)\.csv"', rules)) | set(_SUPPLEMENT)
    assert of_study - set(validation.TABLES) - {"recalibration"} == set(TABLES) - set(validation.TABLES)
    assert set(TABLES) & set(validation.TABLES) == {"intervals", "overlaps"}


def test_pictures_of_scans_come_only_when_they_are_asked_for(study: Path) -> None:
    out, entities = crate_of(study, pictures=True)
    assert {"results/figures/figure1.png", "results/figures/figure3.pdf", "results/report/index.html"} <= set(entities)
    assert "scans of patients" in entities["./"]["description"]
    assert not (out / "results/report/cases").exists()


def test_the_configuration_is_whole_but_for_places(study: Path) -> None:
    out, _ = crate_of(study)
    found = yaml.safe_load((out / "config.yaml").read_text(encoding="utf-8"))
    assert found["networks"]["agunet"]["initial_weights"] == {"sha256": "a" * 64}
    assert found["brain_mask"]["weights_sha256"] == "b" * 64
    assert set(PUBLISHED) - set(found) == {"cohort", "raters"}
    assert found["statistics"] == load_study(PUBLISHED).model_dump(mode="json")["statistics"]
    assert found["elsewhere"]["theirs"]["inputs"] == {}


@pytest.mark.parametrize(
    ("shared", "given", "name"),
    [
        ({}, None, "No licence was given: ask the authors of the study"),
        ({"sharing": {"licence": "CC-BY-NC-4.0"}}, None, "CC-BY-NC-4.0"),
        ({"sharing": {"licence": "CC-BY-NC-4.0"}}, "CC-BY-4.0", "CC-BY-4.0"),
    ],
)
def test_the_licence_is_the_one_given_or_none(
    study: Path, shared: dict[str, Any], given: str | None, name: str
) -> None:
    write_json(study / "results/cohort/study.json", {**PUBLISHED, **shared})
    _, entities = crate_of(study, licence=given)
    assert entities["#licence"]["name"] == name


def test_times_are_of_the_last_run_of_each_job_and_summed_by_stage(study: Path) -> None:
    times = times_of(study / "results")
    assert times.stages == {"register": StageTimes(2, 40.5, 100.4), "report": StageTimes(1, 2.5, 50.0)}
    assert times.start == datetime.fromtimestamp(END - 130, UTC)
    assert times.end == datetime.fromtimestamp(END, UTC)
    assert (times.jobs, times.seconds) == (3, 43.0)
    header, *rows = times.to_csv().splitlines()
    assert header == "stage,jobs,seconds,largest_memory_mb"
    assert rows == ["register,2,40.5,100", "report,1,2.5,50"]
    out, entities = crate_of(study)
    assert PATIENT not in (out / "times.csv").read_text()
    assert entities["#run"]["startTime"] == "2023-11-14T22:11:10+00:00"
    assert entities["#run"]["endTime"] == entities["./"]["datePublished"] == "2023-11-14T22:13:20+00:00"


def test_a_stage_without_measured_memory_says_nothing_of_it(tmp_path: Path) -> None:
    benchmark(tmp_path, "split_folds", "s\tmax_rss\n0.1\tNA\n", END)
    benchmark(tmp_path, "table1", "", END)
    assert times_of(tmp_path / "results").to_csv().splitlines()[1:] == ["split_folds,1,0.1,", "table1,1,0.0,"]


def test_a_zip_holds_the_same_as_a_folder(study: Path) -> None:
    folder, _ = crate_of(study)
    write_crate(Packing(study, ROOT), study.parent / "crate.zip")
    with zipfile.ZipFile(study.parent / "crate.zip") as packed:
        names = {name for name in packed.namelist() if not name.endswith("/")}
        assert names == {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert sorted(file.name for file in study.parent.iterdir()) == ["crate", "crate.zip", "study"]


def test_a_study_that_has_not_finished_is_refused(study: Path) -> None:
    (study / "results/report/index.html").unlink()
    with pytest.raises(ResiduaError, match=r"no finished study: .*index\.html is missing"):
        crate_of(study)
    assert not (study.parent / "crate").exists()


def test_the_command_packs_a_study_and_refuses_a_place_that_is_taken(study: Path) -> None:
    out = study.parent / "packed"
    done = CliRunner().invoke(app, ["crate", str(study), "--out", str(out)])
    assert done.exit_code == 0
    assert (out / "ro-crate-metadata.json").is_file()
    again = CliRunner().invoke(app, ["crate", str(study), "--out", str(out)])
    assert again.exit_code == 1
    assert "exists already" in again.output
    missing = CliRunner().invoke(app, ["crate", str(study.parent), "--out", str(out / "more")])
    assert missing.exit_code == 1
    assert "run the study first" in missing.output


def test_the_crate_says_which_code_is_not_that_of_the_run(study: Path) -> None:
    page = study / "results/report/index.html"
    found = digests.of_stages(load_study(json.loads((study / "results/cohort/study.json").read_text())), ROOT)
    write_text(page, "".join(f"<td><code>{digest}</code></td>" for digest in found.values()))
    same = crate_of(study)[1]["./"]["description"]
    assert "The code of its stages is that of the run" in same
    for what in (f"Residua {__version__} with Snakemake", "The workflow is that of the day of packing"):
        assert what in same
    others = {"segment", "predict, AGU-Net"}
    write_text(page, "".join(f"<code>{digest}</code>" for name, digest in found.items() if name not in others))
    shutil.rmtree(study.parent / "crate")
    out, entities = crate_of(study)
    said = "The code of 2 stages is not that of the run, by the digests of its report: segment, predict, AGU-Net."
    assert said in entities["./"]["description"]
    assert said in (out / "README.md").read_text()


def test_results_of_models_that_were_trained_again_are_not_packed(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted run leaves tables of the former models beside new ones."""
    monkeypatch.chdir(study)
    model = "results/models/nnunet/B/fold0/manifest.json"
    write_text(model, "a model")
    keep_origins(["results/tables/table1.csv"], origins_of([model]))
    write_crate(Packing(study, ROOT), study.parent / "crate.zip")
    write_text(model, "another model")
    with pytest.raises(ResiduaError, match=r"tables/table1.csv is older than the model results/models/nnunet/B/fold0"):
        write_crate(Packing(study, ROOT), study.parent / "again.zip")
    assert not (study.parent / "again.zip").exists()
