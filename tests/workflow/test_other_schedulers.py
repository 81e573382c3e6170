"""PBS, LSF and Grid Engine by profiles/generic. The schedulers are stand-ins that answer as they do; none is real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from residua.cluster.generic_settings import load_generic_cluster
from residua.cluster.job_status import status_or_running
from residua.cluster.schedulers import FOLDER, SCHEDULERS, NoAnswerError, request_of, status, submit
from residua.errors import ResiduaError
from studies import HOUSE

COMMANDS = {"pbs": ("qsub", "qstat", "qdel"), "lsf": ("bsub", "bjobs", "bkill"), "sge": ("qsub", "qstat", "qdel")}
EXIT_OF = 'printf "%s" "$0" > ran; exit {code}'
CLUSTER = {"cpu": {"queue": "work", "account": "neuro"}, "gpu": {"queue": "gpu", "extra": "-l 'site=a b'"}}
ASKED = {
    "pbs": "-N residua_train -l select=1:ncpus=4:mem=8000mb:ngpus=1 -l walltime=72:00:00 -q gpu -A neuro",
    "lsf": "-J residua_train -n 4 -M 8000MB -R span[hosts=1] rusage[mem=8000MB] -W 4320 -gpu num=1 -q gpu -P neuro",
    "sge": "-terse -N residua_train -l h_vmem=2000M,h_rt=259200 -pe smp 4 -l gpu=1 -q gpu -P neuro -S /bin/sh -cwd",
}
"""What a training of 4 threads, 8000 MB, a week and one GPU asks for where jobs may take three days."""
LATER = {
    "pbs": ("qstat: cannot connect to server pbs01 (errno=15010)", "qstat: Unknown Job Id 1001.pbs01"),
    "lsf": ("LSF is down. Please wait ...", "Job <1001> is not found"),
    "sge": ("error: commlib error: got select error (Connection refused)", "Following jobs do not exist: \n1001"),
}
"""What says that the scheduler does not answer, and that it knows the job no more."""


@pytest.fixture(params=sorted(SCHEDULERS))
def kind(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A scheduler whose stand-in comes first on the PATH; the working directory is a study's."""
    kind = str(request.param)
    place_standin(kind, tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("SCHEDULER", kind)
    monkeypatch.setenv("STANDIN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("RESIDUA_CLUSTER", str(tmp_path / "cluster.yaml"))
    monkeypatch.chdir(tmp_path / "a study")
    return kind


def place_standin(kind: str, folder: Path) -> None:
    for name in ("bin", "state", "a study"):
        (folder / name).mkdir()
    source = (HOUSE / "tests/schedulers/standin.py").read_text()
    for command in COMMANDS[kind]:
        (folder / "bin" / command).write_text(f"#!{sys.executable}\n{source}")
        (folder / "bin" / command).chmod(0o755)
    (folder / "cluster.yaml").write_text(
        yaml.safe_dump({"scheduler": kind, "patience_s": 0, "max_runtime_h": 72, **CLUSTER})
    )


def job_script(command: str, rule: str = "train") -> Path:
    """A job script as Snakemake writes it."""
    resources = {"mem_mb": 8000, "runtime": 10080, "gpu": 1, "tmpdir": "<TBD>"}
    properties = {"type": "single", "rule": rule, "threads": 4, "resources": resources}
    script = Path("snakejob.sh")
    script.write_text(f"#!/bin/sh\n# properties = {json.dumps(properties)}\n{command}\n")
    return script


def submitted(kind: str, command: str) -> str:
    script = job_script(command)
    return submit(SCHEDULERS[kind], request_of(script, load_generic_cluster().model_dump()), script)


def end_of(kind: str, job: str) -> str:
    """The status of a job that is no longer running."""
    until = time.monotonic() + 60
    while (found := status(SCHEDULERS[kind], job, 0)) == "running" and time.monotonic() < until:
        time.sleep(0.05)
    return found


def test_a_job_asks_for_what_its_rule_states(kind: str, tmp_path: Path) -> None:
    job = submitted(kind, "true")
    assert job == ("1001.pbs01" if kind == "pbs" else "1001")
    options = json.loads((tmp_path / "state/1001.json").read_text())
    assert " ".join(options).startswith(ASKED[kind])
    assert (options if kind == "lsf" else options[:-1])[-2:] == ["-l", "site=a b"]


@pytest.mark.parametrize(("code", "told"), [(0, "success"), (3, "failed")])
def test_a_job_that_ended_is_told_by_its_exit_code(kind: str, code: int, told: str) -> None:
    job = submitted(kind, f"exit {code}")
    assert end_of(kind, job) == told
    assert status(SCHEDULERS[kind], job, 0) == told


def test_a_job_runs_until_it_is_killed_or_cancelled_and_has_failed_then(kind: str) -> None:
    job = submitted(kind, "sleep 60")
    assert status(SCHEDULERS[kind], job, 0) == "running"
    subprocess.run([load_generic_cluster().cancel, job], check=True)
    assert end_of(kind, job) == "failed"


def test_an_exit_code_may_take_its_time_on_a_slow_file_system(kind: str) -> None:
    job = submitted(kind, "exit 0")
    assert end_of(kind, job) == "success"
    (kept,) = FOLDER.glob("1001.*.exit")
    kept.rename(FOLDER / "late")
    assert status(SCHEDULERS[kind], job, 600) == "running"
    (FOLDER / "late").rename(kept)
    assert status(SCHEDULERS[kind], job, 600) == "success"


def test_a_number_that_a_scheduler_uses_again_tells_nothing_of_its_new_job(kind: str, tmp_path: Path) -> None:
    assert end_of(kind, submitted(kind, "exit 0")) == "success"
    (FOLDER / "1001.gone").touch()
    for file in (tmp_path / "state").iterdir():
        file.unlink()
    job = submitted(kind, "sleep 60")
    assert job.startswith("1001")
    assert status(SCHEDULERS[kind], job, 0) == "running"
    assert not (FOLDER / "1001.gone").exists()
    subprocess.run([load_generic_cluster().cancel, job], check=True)
    assert end_of(kind, job) == "failed"


def test_a_job_that_the_scheduler_knows_again_was_not_gone(kind: str) -> None:
    job = submitted(kind, "sleep 60")
    gone = FOLDER / "1001.gone"
    gone.touch()
    os.utime(gone, (0, 0))
    assert status(SCHEDULERS[kind], job, 100) == "running"
    subprocess.run([load_generic_cluster().cancel, job], check=True)
    assert status(SCHEDULERS[kind], job, 100) == "running"


def test_a_scheduler_is_asked_in_english(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    answer = tmp_path / "bin" / COMMANDS[kind][1]
    answer.write_text(f'#!/bin/sh\n[ "$LC_ALL" = C ] && echo "{LATER[kind][1]}" >&2 || echo "Unbekannt" >&2; exit 1\n')
    assert end_of(kind, "1001") == "failed"


def test_what_a_scheduler_multiplies_by_slots_is_asked_for_by_slot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = job_script("true")
    told = {"cpu": {}, "gpu": {}, "grid_engine": {"gpu_per": "slot"}, "lsf": {"memory_per": "slot"}}
    asked = request_of(script, told)
    assert "rusage[mem=2000MB]" in " ".join(SCHEDULERS["lsf"].submit(asked, Path("log")))
    engine = " ".join(SCHEDULERS["sge"].submit(asked, Path("log")))
    assert "-l h_vmem=8000M,h_rt=604800 -l gpu=1" in engine
    assert "-pe" not in engine


def test_a_scheduler_that_does_not_answer_fails_no_job(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent, forgotten = LATER[kind]
    answer = tmp_path / "bin" / COMMANDS[kind][1]
    answer.write_text(f"#!/bin/sh\necho '{silent}' >&2; exit 1\n")
    with pytest.raises(NoAnswerError, match=re.escape(silent)):
        status(SCHEDULERS[kind], "1001", 0)
    assert status_or_running(SCHEDULERS[kind], "1001", 0) == "running"
    assert silent in capsys.readouterr().err
    answer.write_text(f"#!/bin/sh\necho '{forgotten}' >&2; exit 1\n")
    assert end_of(kind, "1001") == "failed"


@pytest.mark.parametrize(
    ("scheduler", "says", "told"),
    [
        ("pbs", "Job Id: 1.s\n    job_state = Q", "running"),
        ("pbs", "Job Id: 1.s\n    job_state = H", "running"),
        ("pbs", "Job Id: 1.s\n    job_state = F\n    Exit_status = 0", "failed"),
        *[("lsf", state, "running") for state in ("PEND", "RUN", "PSUSP", "USUSP", "SSUSP", "UNKWN", "WAIT", "ZOMBI")],
        ("lsf", "EXIT", "failed"),
        (
            "sge",
            "job_number:   1\nscheduling info:   (Collecting of scheduler job information is turned off)",
            "running",
        ),
        ("sge", "job_number:   1\nerror reason    1:          can't open output file", "failed"),
    ],
)
def test_what_a_scheduler_says_of_a_job_without_an_exit_code(
    scheduler: str, says: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place_standin(scheduler, tmp_path)
    (tmp_path / "says").write_text(f"{says}\n")
    answer = tmp_path / "bin" / COMMANDS[scheduler][1]
    answer.write_text(f"#!/bin/sh\ncat '{tmp_path / 'says'}'\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path / "a study")
    FOLDER.mkdir(parents=True)
    if told == "failed":
        (FOLDER / "1.gone").touch()
        os.utime(FOLDER / "1.gone", (0, 0))
    assert status(SCHEDULERS[scheduler], "1", 100) == told


def test_what_the_scheduler_refuses_is_told(kind: str, tmp_path: Path) -> None:
    command = tmp_path / "bin" / COMMANDS[kind][0]
    command.write_text("#!/bin/sh\necho 'Illegal queue name' >&2; exit 1\n")
    with pytest.raises(ResiduaError, match=r"(?s)sub .*: Illegal queue name$"):
        submitted(kind, "true")


def test_a_machine_without_the_scheduler_is_told(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "state"))
    with pytest.raises(ResiduaError, match="cannot be started"):
        submitted(kind, "true")


def test_a_cluster_file_that_cannot_be_used_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESIDUA_CLUSTER", str(tmp_path / "cluster.yaml"))
    with pytest.raises(ResiduaError, match="no such file"):
        load_generic_cluster()
    (tmp_path / "cluster.yaml").write_text("scheduler: slurm\n")
    with pytest.raises(ResiduaError, match="scheduler"):
        load_generic_cluster()
    (tmp_path / "cluster.yaml").write_text('scheduler: pbs\ncpu:\n  extra: "-l \'x"\n')
    with pytest.raises(ResiduaError, match=r"cpu\.extra: .* cannot be split into words.*No closing quotation"):
        load_generic_cluster()


def test_the_link_points_to_the_profile_and_its_cluster_file_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (HOUSE / "generic/config.yaml").resolve() == HOUSE / "profiles/generic/config.yaml"
    monkeypatch.delenv("RESIDUA_CLUSTER", raising=False)
    assert load_generic_cluster().scheduler == "pbs"


@pytest.mark.parametrize("kind", ["pbs"], indirect=True)
def test_snakemake_runs_jobs_by_the_profile_and_gives_one_that_was_killed_more_memory(
    kind: str, tmp_path: Path
) -> None:
    command = [
        str(Path(sys.executable).parent / "snakemake"),
        "--snakefile",
        str(HOUSE / "tests/schedulers/two_jobs.smk"),
    ]
    command += [
        "--workflow-profile",
        "none",
        "--profile",
        str(HOUSE / "generic"),
        "--seconds-between-status-checks",
        "0",
    ]
    done = subprocess.run(command, env={**os.environ, "TOO_LITTLE_MB": "1500"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert Path("second.txt").read_text() == "2 2000"
    asked = [" ".join(json.loads(file.read_text())) for file in sorted((tmp_path / "state").glob("*.json"))]
    assert [re.findall(r"mem=(\d+)mb", each)[0] for each in asked] == ["1000", "2000", "2000"]
    assert ["ngpus=1" in each for each in asked] == [False, False, True]
    assert "Error in rule first" in done.stderr
