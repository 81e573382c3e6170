"""PBS, LSF and Grid Engine as far as the commands that users type: their options, and their answers word for word.

Called by the name of the command (qsub, qstat, qdel, bsub, bjobs, bkill); SCHEDULER says which one answers to q….
Jobs run at once, beside each other. A job that asks for less memory than TOO_LITTLE_MB is killed before it ends, and
its scheduler forgets it, as they do.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

STATE = Path(os.environ["STANDIN_STATE"])
KIND = os.environ["SCHEDULER"]
JOB_VARIABLE = {"pbs": "PBS_JOBID", "lsf": "LSB_JOBID", "sge": "JOB_ID"}[KIND]
SERVER = ".pbs01" if KIND == "pbs" else ""


def submit(arguments: list[str]) -> None:
    """Start a job, and answer with its number."""
    number = 1001 + len(list(STATE.glob("*.json")))
    name = f"{number}{SERVER}"
    (STATE / f"{number}.json").write_text(json.dumps(arguments))
    asked = re.search(r"(?:mem=|h_vmem=)(\d+)", " ".join(arguments))
    killed = asked is not None and int(asked[1]) < int(os.environ.get("TOO_LITTLE_MB", "0"))
    command = ["sleep", "0"] if killed else command_of(arguments, STATE / f"{number}.sh")
    with open(arguments[arguments.index("-o") + 1], "w") as output:
        job = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, JOB_VARIABLE: name}, start_new_session=True
        )
    (STATE / f"{number}.pid").write_text(str(job.pid))
    answer = {"pbs": name, "lsf": f"Job <{number}> is submitted to default queue <normal>.", "sge": str(number)}
    print(answer[KIND])


def command_of(arguments: list[str], spooled: Path) -> list[str]:
    """LSF joins the words of a command by blanks for a shell; without any it reads a script from standard input."""
    if KIND != "lsf":
        return ["/bin/sh", arguments[-1]]
    words = arguments
    while words and words[0].startswith("-"):
        words = words[2:]
    if words:
        return ["/bin/sh", "-c", " ".join(words)]
    spooled.write_text(sys.stdin.read())
    return ["/bin/sh", str(spooled)]


def alive(number: str) -> bool:
    """Whether the process of a job runs; one that ended is not waited for by anybody here."""
    pid = (STATE / f"{number}.pid").read_text()
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ask(job: str) -> int:
    """Answer about a job as the scheduler does, and return the exit code of its command."""
    number = job.partition(".")[0]
    known = (STATE / f"{number}.pid").is_file()
    if known and alive(number):
        said = {
            "pbs": f"Job Id: {job}\n    Job_Name = residua\n    job_state = R\n    queue = work",
            "lsf": "RUN",
            "sge": f"{'=' * 62}\njob_number:                 {number}\nowner:                      me",
        }
        print(said[KIND])
        return 0
    said, code = {
        "pbs": (f"qstat: {job} Job has finished, use -x or -H to obtain historical job information", 35),
        "lsf": (f"Job <{number}> is not found", 255),
        "sge": (f"Following jobs do not exist: \n{number}", 1),
    }[KIND]
    print(said, file=sys.stderr)
    return code


def cancel(jobs: list[str]) -> None:
    """End jobs."""
    for job in jobs:
        with open(STATE / "cancelled", "a") as stream:
            stream.write(f"{job}\n")
        os.killpg(int((STATE / f"{job.partition('.')[0]}.pid").read_text()), signal.SIGKILL)


if __name__ == "__main__":
    match Path(sys.argv[0]).name:
        case "qsub" | "bsub":
            submit(sys.argv[1:])
        case "qstat" | "bjobs":
            sys.exit(ask(sys.argv[-1]))
        case "qdel" | "bkill":
            cancel(sys.argv[1:])
