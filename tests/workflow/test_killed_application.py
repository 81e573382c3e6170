"""``residua predict`` is killed and interrupted, and given again: no patient who was finished is predicted twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from application import CHANNELS, new_table, pack, rows_of
from environments import build_environments
from residua.publishing.publish import manifest_of, read_json
from studies import Study

PATIENTS = ("AMS001", "AMS002", "STO001", "GOT001", "STO002", "GOT002")
WAIT_S = 900
pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def bundle(finished: Study, tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path]:
    """The finished study, and the bundle of one of its networks."""
    return finished, pack(finished, "nnunet", "B", tmp_path_factory.mktemp("bundle") / "b.zip", 0.5)


def start(bundle: tuple[Study, Path], folder: Path) -> subprocess.Popen[str]:
    """Call ``residua predict`` in a session of its own."""
    build_environments()
    study, file = bundle
    table = new_table(folder / "new.tsv", rows_of(study, PATIENTS, [*CHANNELS["B"], "brain_mask"]))
    command = [sys.executable, "-m", "residua.cli", "predict", "--bundle", file, "--cohort", table]
    return subprocess.Popen(
        list(map(str, [*command, "--out", folder / "out", "--cores", "2"])),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def wait_for(happened: Callable[[], bool], call: subprocess.Popen[str]) -> None:
    until = time.monotonic() + WAIT_S
    while not happened():
        assert call.poll() is None, call.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.02)


def ended(call: subprocess.Popen[str]) -> str:
    said, _ = call.communicate(timeout=WAIT_S)
    assert call.returncode == 0, said
    return said


def times(out: Path, pattern: str) -> dict[str, int]:
    """When each result that matches was made, by the name of its patient."""
    found = list(out.glob(f"results/{pattern}"))
    patients = [next(part for part in (file.parent.name, file.name[:6]) if part in PATIENTS) for file in found]
    return {patient: file.stat().st_mtime_ns for patient, file in zip(patients, found, strict=True)}


def processes_in(out: Path) -> list[int]:
    """The processes that work in a folder."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if Path(os.readlink(f"/proc/{name}/cwd")) == out:
                found.append(int(name))
        except OSError:
            continue
    return found


def test_killed_and_interrupted_calls_go_on_where_they_were(bundle: tuple[Study, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    registered, predicted = "registered/*/post_t1_quality.json", "ensemble/nnunet/B.part/[A-Z]*.nii.gz"

    # Killed among the registrations: the call alone, as the kernel does for lack of memory. Of two jobs at a time, the
    # third ends after the first was noted.
    call = start(bundle, tmp_path)
    wait_for(lambda: len(times(out, registered)) >= 3, call)
    os.kill(call.pid, signal.SIGKILL)
    call.wait()
    first, made = min(times(out, registered).items(), key=lambda item: item[1])

    # Interrupted by Ctrl-C among the predictions.
    call = start(bundle, tmp_path)
    wait_for(lambda: len(times(out, predicted)) >= 1, call)
    call.send_signal(signal.SIGINT)
    said, _ = call.communicate(timeout=WAIT_S)
    assert call.returncode == 1
    assert f"interrupted; the same command continues in {out}" in said
    assert "Traceback" not in said
    assert not processes_in(out), "nothing goes on behind the user's back"
    second = times(out, predicted)
    assert 1 <= len(second) < len(PATIENTS)

    ended(start(bundle, tmp_path))
    maps = times(out, "ensemble/nnunet/B/[A-Z]*.nii.gz")
    assert times(out, registered)[first] == made
    assert {name: time for name, time in maps.items() if name in second} == second
    assert len(maps) == len(PATIENTS)
    study, _ = bundle
    ours, theirs = (manifest_of(of / "results/ensemble/nnunet/B/manifest.json") for of in (out, study.folder))
    assert ours["files"].items() >= theirs["files"].items()
    assert {record["state"] for record in read_json(out / "results/patients.json")} == {"predicted"}
    assert not list(out.rglob("*.part"))
    assert not list(out.rglob(".writing-*"))
