"""The quality control of a finished study, and what follows when a patient is excluded because of it."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from pages import Page
from residua.cohort.table.exclusion import exclude, include
from residua.quality.flags import read_flags
from studies import Study, by_rule


def patients_of(study: Study) -> list[str]:
    with (study.folder / "cohort/cohort.tsv").open(encoding="utf-8") as table:
        return [row["patient"] for row in csv.DictReader(table, delimiter="\t")]


def test_every_patient_has_a_page_and_a_place_on_the_page_of_all(finished: Study) -> None:
    folder, patients = finished.folder / "results/quality", patients_of(finished)
    text = (folder / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    pages = {link for link in page.links if not link.startswith("#")}
    assert {Path(link).stem for link in pages} == set(patients)
    assert str(finished.folder) not in text
    for link in pages:
        shown = Page((folder / link).read_text(encoding="utf-8"))
        # The mask and the residual tumour, and four pictures of the one sequence that the inputs A and B use.
        assert len(shown.alts) == 2 + 4
        assert all(Path(link).stem in alt for alt in shown.alts)


def test_the_table_measures_what_the_networks_see(finished: Study) -> None:
    table = pd.read_parquet(finished.folder / "results/quality/quality.parquet")
    assert set(table["patient"]) == set(patients_of(finished))
    assert set(table["subject"]) == {"brain", "post_t1ce", "post_t1", "residual"}
    # The reference is registered to nothing: it is measured as a scan alone.
    measured = table.groupby("subject")["measure"].agg(set)
    assert measured["post_t1ce"] < measured["post_t1"]
    flagged = table.loc[table["flag"] != "", ["patient", "subject", "measure"]].itertuples(index=False)
    flags = read_flags(finished.folder / "results/quality/flags.tsv")
    assert sorted(map(tuple, flagged)) == sorted((flag.patient, flag.subject, flag.measure) for flag in flags)


def test_the_study_goes_on_without_an_excluded_patient_and_has_nothing_to_do_when_taken_back(study: Study) -> None:
    table = study.folder / "cohort/cohort.tsv"
    exclude(table, {"GOT002": "registration failed"})
    jobs = study.planned()
    counted = by_rule(jobs)
    assert counted["assess"] == counted["assess_cohort"] == counted["participant_flow"] == 1
    assert counted["register"] == counted["register_around_resection"] == 0
    assert counted["select_cases"] > 0
    assert not [job for job in jobs if job["patient"] == "GOT002"]
    include(table, ["GOT002"])
    assert study.planned() == []
