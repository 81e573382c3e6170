"""What a manuscript takes from a run: methods with citations, the publications they name, and the checklists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cohort_tables import PUBLISHED
from residua.report.build import _TITLES, write_report
from residua.report.checklists import ANSWERED, IN_PART, LISTS, OPEN, items
from residua.report.citations import CITATION, cited, keys_of, library, spelled_out
from residua.report.manuscript import escaped, methods_file, texts_of
from residua.report.methods import Passage, methods
from test_report import BRAIN_MASKS, LABELS, make_run, study_of

REQUIRED = {
    "article": {"author", "title", "journal", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
}
BIB = Path(__file__).resolve().parents[2] / "src/residua/report/references.bib"


def entries_of(text: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Parse BibTeX by its own rules, brace by brace: kind and fields by key. Fails where the text is no BibTeX."""
    found: dict[str, tuple[str, dict[str, str]]] = {}
    rest = text.strip()
    while rest:
        head = re.match(r"@(\w+)\{([^,\s{}]+),", rest)
        assert head, rest[:60]
        assert head[2] not in found, f"{head[2]} twice"
        end = closing(rest, head[0].index("{"))
        found[head[2]] = (head[1].lower(), fields_of(rest[head.end() : end]))
        rest = rest[end + 1 :].strip()
    return found


def closing(text: str, begin: int) -> int:
    depth = 0
    for place in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return place
    raise AssertionError(f"no brace closes {text[begin : begin + 40]}")


def fields_of(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    rest = text.strip()
    while rest:
        name = re.match(r"(\w+)\s*=\s*\{", rest)
        assert name, rest[:60]
        assert name[1] not in found, f"{name[1]} twice"
        end = closing(rest, name.end() - 1)
        found[name[1]] = rest[name.end() : end]
        rest = rest[end + 1 :].strip()
        assert not rest or rest.startswith(","), rest[:60]
        rest = rest.removeprefix(",").strip()
    return found


def keys_in(text: str) -> set[str]:
    return set(re.findall(r"@([a-z]+\d{4}[a-z]?)", text))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("manuscript")
    write_report(*make_run(place, study_of()), place / "index.html")
    return place


def test_every_publication_is_parsed_and_complete() -> None:
    entries = entries_of(BIB.read_text(encoding="utf-8"))
    assert set(entries) == set(library())
    for key, (kind, fields) in entries.items():
        assert set(fields) >= REQUIRED[kind], key
        assert dict(library()[key].fields) == fields
        assert fields["year"] in key
        assert re.fullmatch(r"10\.\d{4,}/\S+", fields.get("doi", "10.1000/none"))
        family = re.sub("[^a-z]", "", fields["author"].split(",")[0].lower().replace("ö", "o"))
        assert key.startswith(family)


def test_the_bibliography_holds_what_the_methods_cite_and_nothing_else(folder: Path) -> None:
    text = (folder / "methods.md").read_text(encoding="utf-8")
    assert keys_in(text) == set(entries_of((folder / "references.bib").read_text(encoding="utf-8")))
    assert {"helland2023", "isensee2021", "bouget2021", "efron1987", "avants2008"} <= keys_in(text)


def told(rated: bool = False, **changes: Any) -> set[str]:
    return {entry.key for entry in cited(texts_of(methods(study_of(**changes), LABELS, rated, 2)))}


def test_only_methods_of_the_run_are_cited() -> None:
    assert "schuirmann1987" in told(rated=True) - told()
    assert told(archs=("nnunet",)) & {"isensee2021", "bouget2021", "kingma2015"} == {"isensee2021"}
    weights = {"weights": "brain.safetensors", "weights_sha256": "b" * 64}
    own = {"deepbet": {"fisch2024"}, "hd-bet": {"isensee2019"}, "template": {"fonov2011"}}
    for method in BRAIN_MASKS:
        mask = {"method": method, **(weights if method in ("agunet", "raidionics") else {})}
        assert told(brain_mask=mask) & set.union(*own.values()) == own.get(method, set())


def test_conventions_and_combinations_are_described_where_there_are_any() -> None:
    assert "moawad2023" in told(conventions=["brats-lesionwise"]) - told(conventions=["authors-code-2023"])
    both = {"gated": {"gate": "agunet", "draw": "nnunet"}, "mean": {"mean": ["nnunet", "agunet"]}}
    labels = {**LABELS, "gated": "nnU-Net gated by AGU-Net", "mean": "nnU-Net + AGU-Net"}
    passages = methods(study_of(combinations=both, conventions=[]), labels, False, 2)
    (last,) = [passage.paragraphs[-1] for passage in passages if passage.heading == "Statistics"]
    assert last == (
        "Networks also judge together, each with the same inputs. nnU-Net gated by AGU-Net: the mask of nnU-Net where "
        "that of AGU-Net has residual tumour, else an empty one; each with its own threshold. nnU-Net + AGU-Net: the "
        "mean of the probability maps of nnU-Net and AGU-Net, at a threshold chosen out of fold."
    )


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({}, {"avants2008", "avants2011", "tustison2021", "mattes2003", "brett2001"}),
        ({"transform": "affine"}, {"avants2011", "tustison2021", "mattes2003"}),
        ({"engine": "greedy", "transform": "diffeomorphic"}, {"yushkevich2016"}),
        ({"engine": "none"}, set()),
    ],
)
def test_the_registration_that_was_used_is_cited(changes: dict[str, str], keys: set[str]) -> None:
    ours = {"avants2008", "avants2011", "tustison2021", "mattes2003", "yushkevich2016", "brett2001"}
    assert told(registration={**PUBLISHED["registration"], **changes}) & ours == keys


def test_page_and_manuscript_say_the_same(folder: Path) -> None:
    page = (folder / "index.html").read_text(encoding="utf-8")
    text = (folder / "methods.md").read_text(encoding="utf-8")
    assert "@" not in re.sub(r"@(media|page|keyframes)", "", page)
    sentence = "from 10000 resamples within each class of the reference"
    assert f"bootstrap intervals (Efron 1987) {sentence}" in page
    assert f"bootstrap intervals [@efron1987] {sentence}" in text
    assert "doi:10.1080/01621459.1987.10478410" in page
    assert "18 patients of 4 hospitals took part" in text
    assert re.search(r"\d raters marked residual tumour in held-out patients", text)


def test_texts_of_users_stay_texts_in_markdown() -> None:
    passage = Passage("A *bold* title", ("x_y <b> $5$ [@dice1945]; a|b",), (), (("name|of", "a|b"),))
    text = methods_file('A "study"', [passage], cited(["[@dice1945]"]))
    assert text.startswith('---\ntitle: "Methods: A \\"study\\""\nbibliography: references.bib\n---\n')
    assert r"## A \*bold\* title" in text
    assert r"x\_y \<b\> \$5\$ [@dice1945]; a\|b" in text
    assert r"| name\|of | a\|b |" in text
    assert escaped("mail@example.org") == r"mail\@example.org"


def test_citations_are_found_and_spelled_out() -> None:
    text = "ANTs [@avants2011; @tustison2021], and Adam [@kingma2015]."
    assert [keys_of(found[1]) for found in CITATION.finditer(text)] == [["avants2011", "tustison2021"], ["kingma2015"]]
    assert spelled_out(text) == "ANTs (Avants et al. 2011; Tustison et al. 2021), and Adam (Kingma and Ba 2015)."
    with pytest.raises(KeyError):
        spelled_out("[@nobody1999]")


def test_a_reference_is_listed_with_its_first_authors() -> None:
    assert library()["isensee2021"].full == (
        "Isensee, Jaeger, Kohl, et al. (2021). nnU-Net: a self-configuring method for deep learning-based biomedical "
        "image segmentation. Nature Methods 18:203–211. doi:10.1038/s41592-020-01008-z"
    )
    assert library()["collins2024"].full.startswith("Collins, Moons, Dhiman, et al. (2024). TRIPOD+AI statement")
    assert "Alzheimer's & Dementia 12:P126–P127" in library()["yushkevich2016"].full


@pytest.mark.parametrize(("name", "first", "last", "number"), [("claim", "1", "44", 44), ("tripod_ai", "1", "27c", 52)])
def test_a_checklist_has_every_item_once(name: str, first: str, last: str, number: int) -> None:
    listed = items(name)["item"]
    assert (listed.iloc[0], listed.iloc[-1], listed.nunique(), len(listed)) == (first, last, number, number)


@pytest.mark.parametrize("name", LISTS)
def test_a_checklist_says_what_the_run_knows_and_what_is_left(name: str, folder: Path) -> None:
    filled = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
    for row in filled.to_dict("records"):
        known, state = row["What the run knows"], row["State"]
        left = known.partition("To be completed:")
        assert state == (OPEN if not left[0] else IN_PART if left[2] else ANSWERED), row["Item"]
        assert state != OPEN or row["In the report"] == ""
        assert "[@" not in known
        assert "nan" not in known.lower().split()
    assert set(filled["State"]) == {ANSWERED, IN_PART, OPEN}
    assert (folder / f"{name}.md").read_text(encoding="utf-8").count("\n| ") >= len(filled)


def test_checklists_hold_the_numbers_of_the_run_and_no_patient(folder: Path) -> None:
    claim = pd.read_csv(folder / "claim.csv", dtype=str, keep_default_na=False).set_index("Item")["What the run knows"]
    assert claim["33"] == "6 patients (AMS), of hospitals that no training saw."
    assert claim["20"] == "Training, validation and hold-out have no hospital in common."
    assert claim["35"].startswith("18 patients of 4 hospitals took part; ")
    assert "TP" in claim["38"]
    tripod = pd.read_csv(folder / "tripod_ai.csv", dtype=str, keep_default_na=False).set_index("Item")
    assert "held out" in tripod.loc["21", "What the run knows"]
    for file in ("claim.md", "claim.csv", "tripod_ai.md", "tripod_ai.csv", "methods.md", "references.bib"):
        text = (folder / file).read_text(encoding="utf-8")
        assert not re.search(r"\b(STO|GOT|PAR|AMS)\d+", text), file
        assert str(folder) not in text
        assert "cohort.tsv" not in text


def test_a_checklist_follows_the_settings(tmp_path: Path) -> None:
    study = study_of(
        conventions=[],
        report={"cases": 0},
        figures={"further": []},
        sharing={"licence": "CC-BY-4.0"},
        statistics={**PUBLISHED["statistics"], "subgroups": []},
    )
    write_report(*make_run(tmp_path, study, rated=False), tmp_path / "index.html")
    claim = pd.read_csv(tmp_path / "claim.csv", dtype=str, keep_default_na=False).set_index("Item")
    known = claim["What the run knows"]
    assert claim.loc["18", "State"] == OPEN
    assert "onventions" not in known["30"]
    assert "Pages beside the report" not in known["39"]
    assert "confusion matrices" not in known["39"]
    assert "Their licence: CC-BY-4.0." in known["43"]
    tripod = pd.read_csv(tmp_path / "tripod_ai.csv", dtype=str, keep_default_na=False).set_index("Item")
    assert tripod.loc["14", "State"] == OPEN
    assert tripod.loc["23b", "State"] == IN_PART


def test_a_checklist_names_conventions_raters_and_pages_of_failures(folder: Path) -> None:
    known = pd.read_csv(folder / "claim.csv", dtype=str, keep_default_na=False).set_index("Item")["What the run knows"]
    assert known["18"].startswith("4 raters segmented held-out patients")
    assert "conventions of evaluation: authors-code-2023 and brats-lesionwise" in known["30"]
    assert "Pages beside the report show the worst cases" in known["39"]
    tripod = pd.read_csv(folder / "tripod_ai.csv", dtype=str, keep_default_na=False).set_index("Item")
    assert "slice thickness, residual volume, sex, age" in tripod.loc["14", "What the run knows"]
    assert tripod.loc["14", "State"] == IN_PART
    assert tripod.loc["23b", "State"] == ANSWERED


def test_failures_are_counted_as_the_diagnosis_counts_them(folder: Path) -> None:
    known = pd.read_csv(folder / "claim.csv", dtype=str, keep_default_na=False).set_index("Item")["What the run knows"]
    counts = re.findall(r"(\S+ \S+) TP (\d+), FN (\d+), FP (\d+), TN (\d+)", known["38"])
    assert counts
    assert any(int(fn) + int(fp) for _, _, fn, fp, _ in counts)
    for model, tp, fn, fp, tn in counts:
        missed, alarms = (
            f"misses {fn} of {int(tp) + int(fn)} residual tumour",
            f"false alarms in {fp} of {int(fp) + int(tn)} ",
        )
        assert re.search(rf"{re.escape(model)} {missed}s? and raises {alarms}gross total resections?", known["39"])
    assert "The confusion matrices show them of every model." in known["39"]
    assert "Table 4" not in known["39"]


@pytest.mark.parametrize("name", LISTS)
def test_the_report_has_every_place_that_a_checklist_names(folder: Path, name: str) -> None:
    """The heading of a section or of a table, in the report of a study that has all of them."""
    page = (folder / "index.html").read_text(encoding="utf-8")
    headings = re.findall(r"<(?:h2|h3|a)[ >][^<]*", page)
    titles = {heading.split(">")[-1].strip() for heading in headings} | {*_TITLES.values()}
    named = {part.strip() for where in items(name)["where"] for part in re.split(r"[;:]", where) if part.strip()}
    numbers = {one for part in named if part.startswith("Table") for one in re.findall(r"\d", part)}
    assert {part for part in named if not part.startswith("Table")} <= titles
    assert numbers
    assert {f"Table {number}" for number in numbers} <= titles
