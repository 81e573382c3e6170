"""Pack a finished run as a Workflow Run RO-Crate: what was run, with which settings, and what came of it.

By default the crate holds no patient: neither names, nor files of one patient, nor pictures of scans.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import yaml
from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from residua.cohort.places import STUDY
from residua.errors import ResiduaError
from residua.export.crate_contents import changed_stages, results_of, workflow_of
from residua.export.run_times import RunTimes, times_of
from residua.publishing.as_made import read_as_made, require_as_made
from residua.publishing.origins import require_current
from residua.publishing.publish import write_text
from residua.report.wording import counted
from residua.settings.places import without_places
from residua.settings.study import Study, load_study
from residua.version import __version__

PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
_BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
_REPORT = "results/report/index.html"
_README = """- `config.yaml`: the configuration, without the places of files
- `Snakefile`, `rules/`, `scripts/`, `envs/`: the workflow
- `results/tables/`, `results/figures/`, `results/report/`: what came of the run
- `times.csv`: jobs, seconds and memory of each stage
- `ro-crate-metadata.json`: all of this for programs (Workflow Run RO-Crate)
"""
_MEDIA = {
    ".bib": "application/x-bibtex", ".csv": "text/csv", ".html": "text/html", ".json": "application/json",
    ".md": "text/markdown", ".pdf": "application/pdf", ".png": "image/png", ".py": "text/x-python",
    ".smk": "text/plain", ".tex": "application/x-tex", ".txt": "text/plain", ".yaml": "application/yaml",
}  # fmt: skip


@dataclass(frozen=True)
class Packing:
    """What is packed: the study's folder, the checkout that ran, pictures of scans or none, and a licence."""

    study: Path
    house: Path
    pictures: bool = False
    licence: str | None = None


def write_crate(packing: Packing, out: Path) -> None:
    """Write the crate: a new folder, or a ``.zip`` file, which is whole or not there.

    Raises ``ResiduaError`` for a folder in which no study has finished, or in which models are newer than results.
    """
    study = _study(packing)
    results = [file.relative_to(packing.study).as_posix() for file in results_of(packing.study, packing.pictures)]
    require_as_made(packing.study, [_REPORT, *results])
    require_current(packing.study, [_REPORT, *results])
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as place:
        written = Path(place)
        crate = _described(packing, study, times_of(packing.study / "results"), written)
        if out.suffix.lower() == ".zip":
            crate.write_zip(written / "crate.zip")
            (written / "crate.zip").rename(out)
        else:
            crate.write(written / "crate")
            shutil.move(written / "crate", out)


def _study(packing: Packing) -> Study:
    file, report = packing.study / STUDY, packing.study / _REPORT
    missing = [str(one) for one in (file, report, packing.house / "Snakefile") if not one.is_file()]
    if missing:
        raise ResiduaError(f"{packing.study}: no finished study: {', '.join(missing)} is missing; run the study first")
    return load_study(read_as_made(packing.study, STUDY))


def _described(packing: Packing, study: Study, times: RunTimes, work: Path) -> ROCrate:
    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(_TERMS)
    crate.name, crate.description = study.title, _description(packing, study)
    crate.datePublished = _stamp(times.end)
    crate.license = _licence(crate, packing.licence or study.sharing.licence)
    workflow = _workflow(crate, packing.house)
    _conforms(crate)
    record = without_places(study.model_dump(mode="json"))
    write_text(work / "config.yaml", yaml.safe_dump(record, sort_keys=False, allow_unicode=True))
    config = _file(crate, work / "config.yaml", "config.yaml", "Configuration of the run, without places of files")
    write_text(work / "times.csv", times.to_csv())
    jobs = _file(crate, work / "times.csv", "times.csv", "Jobs, seconds and memory of each stage")
    write_text(work / "README.md", f"# {study.title}\n\n{crate.description}\n\n{_README}")
    _file(crate, work / "README.md", "README.md", "What the crate holds")["about"] = crate.root_dataset
    results = [
        _file(crate, file, file.relative_to(packing.study).as_posix())
        for file in results_of(packing.study, packing.pictures)
    ]
    _action(crate, workflow, config, [*results, jobs], times)
    return crate


def _description(packing: Packing, study: Study) -> str:
    changed = changed_stages(study, packing.house, packing.study / _REPORT)
    code = (
        f"The code of {counted(len(changed), 'stage')} is not that of the run, by the digests of its report: "
        f"{', '.join(changed)}. "
        if changed
        else "The code of its stages is that of the run, by the digests of its report. "
    )
    return (
        "A run of Residua, a multicentre study of residual glioblastoma on early post-operative MRI: "
        "workflow, configuration, tables, figures, methods and checklists. "
        f"The workflow is that of the day of packing, Residua {__version__} with Snakemake {version('snakemake')}. "
        + code
        + ("It shows scans of patients." if packing.pictures else "It holds no data of a patient.")
    )


def _workflow(crate: ROCrate, house: Path) -> Entity:
    """Add the Snakefile as the main workflow, and the files of which it consists."""
    about = {
        "name": "Residua",
        "version": __version__,
        "license": {"@id": "https://spdx.org/licenses/Apache-2.0"},
        "creator": {"@id": "#developers"},
        "conformsTo": {"@id": _BIOSCHEMAS},
        "encodingFormat": "text/plain",
    }
    crate.add(ContextEntity(crate, "#developers", {"@type": "Organization", "name": "The Residua developers"}))
    name = {"@type": "CreativeWork", "name": "Apache License 2.0"}
    crate.add(ContextEntity(crate, "https://spdx.org/licenses/Apache-2.0", name))
    workflow = crate.add_workflow(
        house / "Snakefile",
        "Snakefile",
        main=True,
        lang="snakemake",
        lang_version=version("snakemake"),
        properties=about,
    )
    parts = [_file(crate, file, file.relative_to(house).as_posix()) for file in workflow_of(house)]
    workflow["hasPart"] = parts
    return workflow


def _conforms(crate: ROCrate) -> None:
    """Name the profiles that the crate conforms to, in place of what the library names."""
    for url, name, number in PROFILES:
        crate.add(ContextEntity(crate, url, {"@type": "CreativeWork", "name": name, "version": number}))
    crate.root_dataset["conformsTo"] = [{"@id": url} for url, _, _ in PROFILES]


def _action(crate: ROCrate, workflow: Entity, config: Entity, results: list[Entity], times: RunTimes) -> None:
    action = crate.add_action(
        workflow,
        identifier="#run",
        object=config,
        result=results,
        properties={
            "name": "Run of the study",
            "description": f"{times.jobs} jobs, {times.seconds / 3600:.1f} hours of jobs in all",
            "startTime": _stamp(times.start),
            "endTime": _stamp(times.end),
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )
    crate.root_dataset["mentions"] = action


def _licence(crate: ROCrate, name: str | None) -> Entity:
    """Describe the licence of the results; without one, say that nobody has given one."""
    what = name or "No licence was given: ask the authors of the study"
    return crate.add(ContextEntity(crate, "#licence", {"@type": "CreativeWork", "name": what}))


def _file(crate: ROCrate, source: Path, place: str, about: str | None = None) -> Entity:
    media = _MEDIA.get(source.suffix.lower(), "text/plain")
    what = {"name": about or place, "encodingFormat": media}
    return crate.add_file(source, place, properties=what, record_size=True)


def _stamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds")
