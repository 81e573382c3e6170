"""How sure a study's quality control is to see another patient's scan: swaps drawn at random, registered and judged.

    .venv/bin/python benchmarks/swaps.py --study demo --config tests/toy/config.yaml --sequence post_t1 --out swaps

The study needs its quality pages (``snakemake results/quality/index.html``). Each swap registers one patient's scan to
another patient's reference with the study's own settings, and is judged as that patient's row among all others. What is
done is kept in ``--out``: a call that was interrupted goes on. A registration takes as long as in the study.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from _common import steps_of
from residua.publishing.publish import read_json, write_json, write_text
from residua.quality.judge import measure_frame
from residua.settings.study import Study, load_study
from residua.settings.yaml_file import read_yaml
from residua.tables.render import Table, to_markdown

STEPS = Path(__file__).parent / "swaps_steps.py"
Records = dict[str, dict[str, Any]]


def own_records(study: Path, sequence: str) -> Records:
    """Read the measures of every patient's own scan of this sequence, from the quality pages."""
    files = sorted(study.glob("results/quality/*/*.json"))
    records = [record for record in map(read_json, files) if sequence in record.get("measures", {})]
    return {record["patient"]: {sequence: record["measures"][sequence]} for record in records}


def drawn(patients: list[str], number: int, seed: int) -> list[tuple[str, str]]:
    """Draw pairs of different patients, each once: whose reference, and whose scan."""
    pairs = [(one, other) for one in patients for other in patients if one != other]
    chosen = np.random.default_rng(seed).permutation(len(pairs))[:number]
    return [pairs[index] for index in chosen]


def swapped(out: Path, swap: dict[str, Any], name: str) -> dict[str, Any]:
    """Measure one swap, or return what was kept of it."""
    kept = out / f"{name}.json"
    if not kept.is_file():
        write_json(kept, steps_of(STEPS, "core", json.dumps(swap))[0])
        print(kept.stem, flush=True)
    record: dict[str, Any] = read_json(kept)
    return record


def flags(own: Records, sequence: str, patient: str, measures: dict[str, Any]) -> set[str]:
    """Return the flags of a patient whose scan of this sequence was swapped: limit, outlier."""
    frame = measure_frame(own | {patient: {sequence: measures}}, dict.fromkeys(own, "all"))
    return set(frame.loc[frame["patient"] == patient, "flag"]) - {""}


def table(own: Records, sequence: str, swaps: list[tuple[str, dict[str, Any]]]) -> Table:
    """Count swaps and own pairs by the step of the control that sees them first."""
    found = [{"fails"} if r["fails"] else flags(own, sequence, patient, r["measures"]) for patient, r in swaps]
    right = [flags(own, sequence, patient, own[patient][sequence]) for patient in own]
    rows = {
        "fail the registration": lambda seen: "fails" in seen,
        "register, and are beyond a limit": lambda seen: "limit" in seen,
        "register, and differ only from the other patients": lambda seen: seen == {"outlier"},
        "pass": lambda seen: not seen,
    }
    counts = {name: [str(sum(map(counted, group))) for group in (found, right)] for name, counted in rows.items()}
    frame = pd.DataFrame.from_dict(counts, orient="index", columns=[f"{len(found)} swaps", f"{len(right)} own scans"])
    return Table(frame.rename_axis("what the control does").reset_index(), f"Scans of another patient: {sequence}")


def main(study: Path, config: Study, sequence: str, number: int, seed: int, out: Path) -> None:
    """Measure the swaps, and write and print the table."""
    own = own_records(study, sequence)
    source = study / config.cohort
    files = pd.read_csv(source, sep="\t", dtype=str).set_index("patient")
    settings = config.registration_of(sequence).model_dump(mode="json")
    swaps = []
    for patient, other in drawn(sorted(own), number, seed):
        reference, moving = (
            str(source.parent / files[column][who])
            for who, column in ((patient, config.sequences.reference), (other, sequence))
        )
        (brain,) = study.glob(f"results/brain/*/{patient}.nii.gz")
        swap = {"reference": reference, "moving": moving, "brain": str(brain), "sequence": sequence}
        swaps.append((patient, swapped(out, swap | {"settings": settings}, f"{sequence}_{patient}_{other}")))
    text = to_markdown(table(own, sequence, swaps))
    write_text(out / f"{sequence}.md", text)
    print(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, required=True, help="folder of the study")
    parser.add_argument("--config", type=Path, required=True, help="its configuration")
    parser.add_argument("--sequence", required=True, help="column of the scans that are swapped")
    parser.add_argument("--swaps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    study = load_study(read_yaml(given.config))
    main(given.study, study, given.sequence, given.swaps, given.seed, given.out)
