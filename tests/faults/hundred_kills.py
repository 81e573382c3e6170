"""Kill the micro study at a hundred seeded moments, give the same command again each time, and compare the results.

Ten studies are struck ten times each, in ten different stages; over all of them each stage has its turn. Besides -9,
each study is once interrupted (Ctrl-C) and once asked to end (SIGTERM). Each must come to the tables, numbers and
weights of one that nobody disturbed. When this script is itself cut off, the same command repeats the study at which it
was and none that is through.

.venv/bin/python tests/faults/hundred_kills.py --out build/kills
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HOUSE / "tests"), str(HOUSE / "tests" / "workflow")]

from aims import Aim, Form, Moment, choose_aims, epochs_of, seconds_of, stage_of  # noqa: E402
from attempts import Attempt  # noqa: E402
from micro_study import begin, forget  # noqa: E402
from outliving import Ordeal, none_left  # noqa: E402
from residua.simulate.cohort import simulate_cohort  # noqa: E402
from sameness import (  # noqa: E402
    NUMBERS,
    require_nothing_half_written,
    require_same_folders,
    require_same_numbers,
    require_same_tables,
)
from studies import Job, Study  # noqa: E402

KILLS_A_STUDY = 10
FORMS = {Form.GROUP: 6, Form.MAIN_THEN_JOBS: 1, Form.MAIN: 1, Form.INTERRUPTED: 1, Form.ASKED_TO_END: 1}
"""How often each form comes among the kills of one study."""


@dataclass(frozen=True)
class Journal:
    """The log of all kills, which grows over several starts of this script."""

    file: Path

    def write(self, line: str) -> None:
        """Add a line with the time to the file and show it."""
        line = f"{datetime.now():%Y-%m-%d %H:%M:%S} {line}"
        print(line, flush=True)
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")


class TellingOrdeal(Ordeal):
    """An ordeal that writes one line for each strike."""

    journal: Journal
    number: int

    def _strike(self, attempt: Attempt, aim: Aim, job: Job, pid: int) -> bool:
        done = attempt.said.count("Finished jobid")
        if not super()._strike(attempt, aim, job, pid):
            return False
        strike = self.strikes[-1]
        far = f"after {strike.epochs} epochs" if job.rule == "train" else f"at {aim.share:.0%} of its time"
        self.journal.write(
            f"study {self.number} kill {len(self.strikes)}: {strike.stage}: {job.log} {far}, "
            f"start {len(self.attempts)}, after {done} jobs: {aim.moment.form.value}"
        )
        return True


def unbroken_study(out: Path) -> tuple[Study, Study, list[Job]]:
    """The study before its run, the same run without a kill, and its jobs; made once."""
    before, unbroken = Study(out / "before"), Study(out / "unbroken")
    if not (unbroken.folder / "finished").exists():
        for folder in (out / "cohort", before.folder, unbroken.folder):
            shutil.rmtree(folder, ignore_errors=True)
        simulate_cohort(out / "cohort", patients=6, processes=1, seed=1, like="micro")
        before.folder.mkdir()
        forget(begin(out / "cohort", before.folder), "A")
        before.copied(unbroken.folder).run()
        (unbroken.folder / "finished").touch()
    return before, unbroken, before.planned()


def moments_of(number: int, stages: Sequence[str], seed: str) -> list[Moment]:
    """The moments of one study: stages in a shuffled order that goes on from study to study, none twice in one."""
    order: list[str] = []
    draw = random.Random(seed)
    while len(order) < (number + 1) * KILLS_A_STUDY + len(stages):
        order += draw.sample(stages, len(stages))
    start = number * KILLS_A_STUDY
    chosen = list(dict.fromkeys(order[start:]))[:KILLS_A_STUDY]
    draw = random.Random(f"{seed} {number}")
    forms = draw.sample(list(FORMS), KILLS_A_STUDY, counts=list(FORMS.values()))
    return [Moment((stage,), form) for stage, form in zip(chosen, forms, strict=True)]


def go_through(number: int, out: Path, seed: str, journal: Journal) -> None:
    """Kill one study ten times, let it come to its end, and compare it with the undisturbed one."""
    before, unbroken, jobs = unbroken_study(out)
    folder = out / f"study{number}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    study = before.copied(folder / "study")
    moments = moments_of(number, sorted({stage_of(job) for job in jobs}), seed)
    aims = choose_aims(moments, jobs, seconds_of(unbroken, jobs), epochs_of(study), f"{seed} {number}")
    ordeal = TellingOrdeal(study, folder, aims)
    ordeal.journal, ordeal.number = journal, number
    began = time.monotonic()
    with none_left(ordeal):
        ordeal.go_through()
    require_same_tables(unbroken, study)
    for of_numbers in NUMBERS:
        require_same_numbers(unbroken, study, of_numbers)
    require_same_folders(unbroken, study)
    require_nothing_half_written(study)
    assert study.planned() == []
    journal.write(
        f"study {number}: the same tables, numbers and weights after {len(ordeal.strikes)} kills and "
        f"{len(ordeal.attempts)} starts, {time.monotonic() - began:.0f} s"
    )
    shutil.rmtree(folder / "study")
    (folder / "same").write_text(f"{len(ordeal.strikes)}\n")


def main() -> None:
    """Go through the studies that are not through yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "kills")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", default="20230613")
    wanted = parser.parse_args()
    out = wanted.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    journal = Journal(out / "kills.log")
    for number in range(-(-wanted.kills // KILLS_A_STUDY)):
        if not (out / f"study{number}" / "same").exists():
            journal.write(f"study {number} begins, seed {wanted.seed}")
            go_through(number, out, wanted.seed, journal)
    through = [int(file.read_text()) for file in out.glob("study*/same")]
    journal.write(f"{sum(through)} kills, {len(through)} studies: each came to the results of the undisturbed one")


if __name__ == "__main__":
    main()
