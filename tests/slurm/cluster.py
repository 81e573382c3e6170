"""A real SLURM on loopback: munged, slurmctld and four slurmd in one folder, removed without a trace when stopped."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from processes import ancestors, carries, end, program_of, running, settle

PROGRAMS = ("munged", "slurmctld", "slurmd", "slurmstepd", "sbatch", "srun", "squeue", "scontrol", "setpriv", "mknod")
SYSTEM_CONFIG = Path("/etc/slurm/slurm.conf")
"""The only configuration that job steps read: the plugin that starts them clears SLURM_CONF."""
CONFIG_NAME = "residua-test-slurm.conf"
SET_ASIDE = SYSTEM_CONFIG.with_name("slurm.conf.set-aside-by-residua-tests")
MARK = "RESIDUA_TEST_CLUSTER"
"""Environment variable that identifies every process of the cluster and of its jobs, so that it can be ended."""
NO_SLURM = "no SLURM here: "
"""Beginning of the reason why tests are skipped."""
DAEMONS = ("slurmctld", "slurmd")
STEPS = ("slurmstepd", "slurmstepd:")
GPUS_PER_NODE = 2
NODES = ("cpu1", "cpu2", "gpu1", "gpu2")
GPU_NODES = ("gpu1", "gpu2")

# cpu2 has less than two of the smaller jobs ask for, gpu1 and gpu2 less than two trainings.
SLURM_CONF = """\
ClusterName=residuatest
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdSpoolDir={folder}/spool-%n
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdLogFile={folder}/slurmd-%n.log
PlugStackConfig={folder}/plugstack.conf
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog={folder}/record-devices.sh
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
MailProg=/bin/true
MinJobAge=3600
ReturnToService=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmdTimeout=15
KillWait=2
GresTypes=gpu
NodeName=cpu1 NodeAddr=127.0.0.1 Port={ports[1]} CPUs=24 RealMemory=400000 State=UNKNOWN
NodeName=cpu2 NodeAddr=127.0.0.1 Port={ports[2]} CPUs=24 RealMemory=6000 State=UNKNOWN
NodeName=gpu1 NodeAddr=127.0.0.1 Port={ports[3]} CPUs=24 RealMemory=100000 Gres=gpu:{gpus[gpu1]}:2 State=UNKNOWN
NodeName=gpu2 NodeAddr=127.0.0.1 Port={ports[4]} CPUs=24 RealMemory=100000 Gres=gpu:{gpus[gpu2]}:2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP GraceTime=60
PartitionName=cpu Nodes=cpu1,cpu2 MaxTime=INFINITE State=UP
PartitionName=small Nodes=cpu2 MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=gpu1,gpu2 MaxTime=INFINITE State=UP
PartitionName=idle Nodes=gpu1,gpu2 MaxTime=INFINITE State=UP PreemptMode=CANCEL
PartitionName=short Nodes=ALL MaxTime=60 State=UP
PartitionName=closed Nodes=ALL MaxTime=INFINITE State=DOWN
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2
"""
RECORD_DEVICES = """\
#!/bin/sh
echo "$SLURM_JOB_ID.$SLURM_STEP_ID=$CUDA_VISIBLE_DEVICES" >> {folder}/devices
"""
GPU_TYPES = {"gpu1": "a100", "gpu2": "v100"}


def unavailable() -> str | None:
    """Return why no cluster can be started here; None if it can."""
    if os.geteuid() != 0:
        return "the daemons of SLURM need root"
    if not _may_make_devices():
        return "device files, which stand for GPUs, cannot be made in this container"
    missing = [program for program in PROGRAMS if shutil.which(program, path=_search_path()) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    other = [name for name in map(program_of, running()) if name in (*DAEMONS, *STEPS)]
    return f"{other[0]} runs on this machine already; its configuration is left alone" if other else None


@dataclass
class Cluster:
    """Daemons, configuration and records of the cluster, all below ``folder``."""

    folder: Path
    _daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def config(self) -> Path:
        """The cluster's slurm.conf."""
        return self.folder / CONFIG_NAME

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a process that uses this cluster and is ended with it."""
        return {**os.environ, "PATH": _search_path(), MARK: str(self.folder)}

    def start(self) -> None:
        """Start four idle nodes."""
        self._write_config()
        self._place_config()
        socket_file, key = self.folder / "munge.socket", self.folder / "munge.key"
        files = [f"--{name}-file={self.folder}/munge.{name}" for name in ("pid", "log", "seed", "key")]
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        self._daemon("munged", "--foreground", "--force", f"--socket={socket_file}", *files)
        _until(socket_file.is_socket, "munged gives no socket")
        self._start_controller("-c")
        for node in NODES:
            self._daemon("slurmd", "-D", "-N", node, "-f", str(self.config))
        _until(self._all_idle, f"the nodes do not become idle; see the logs in {self.folder}")

    def stop(self) -> None:
        """End every process of the cluster and of its jobs, and restore the system's configuration."""
        try:
            end(self._own_processes)
            for daemon in self._daemons:
                daemon.wait(timeout=10)
        finally:
            _put_back()

    def stop_controller(self) -> None:
        """Let the controller save its state and end, as for maintenance; nodes and jobs go on."""
        self._controller.terminate()
        self._controller.wait(timeout=30)
        self._daemons.remove(self._controller)

    def start_controller(self) -> None:
        """Start the controller again, with the state that it saved."""
        self._start_controller()
        _until(self._answers, f"the controller does not answer; see {self.folder}/slurmctld.log")

    def run(self, *command: str) -> str:
        """Return the output of a SLURM command."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def jobs(self) -> list[dict[str, str]]:
        """Return the controller's record of every job since the start: the fields of ``scontrol show job``."""
        records = self.run("scontrol", "--oneliner", "--all", "show", "job").splitlines()
        return [_fields(record) for record in records if record.startswith("JobId=")]

    def devices_by_step(self) -> dict[str, str]:
        """Return the GPUs of each job step, by ``job.step``; empty text for none."""
        lines = (self.folder / "devices").read_text().split()
        return dict(line.split("=", 1) for line in lines)

    @property
    def _controller(self) -> subprocess.Popen[bytes]:
        return next(daemon for daemon in self._daemons if "slurmctld" in daemon.args)  # type: ignore[operator]

    def _start_controller(self, *more: str) -> None:
        self._daemon("slurmctld", "-D", *more, "-f", str(self.config))

    def _answers(self) -> bool:
        return subprocess.run(["scontrol", "ping"], env=self.environment, capture_output=True).returncode == 0

    def _daemon(self, *command: str) -> None:
        """Start a daemon that ends when this process is killed."""
        with (self.folder / f"{command[0]}.out").open("ab") as output:
            started = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._daemons.append(started)

    def _write_config(self) -> None:
        ports = [_free_port() for _ in range(1 + len(NODES))]
        config = SLURM_CONF.format(host=socket.gethostname(), folder=self.folder, ports=ports, gpus=GPU_TYPES)
        self.config.write_text(config)
        (self.folder / "plugstack.conf").touch()
        record = self.folder / "record-devices.sh"
        record.write_text(RECORD_DEVICES.format(folder=self.folder))
        record.chmod(0o755)
        (self.folder / "devices").touch()
        (self.folder / "state").mkdir()
        self._write_gpus()

    def _write_gpus(self) -> None:
        lines = []
        for node, kind in GPU_TYPES.items():
            devices = self.folder / "dev" / node
            devices.mkdir(parents=True)
            for number in range(GPUS_PER_NODE):
                subprocess.run(["mknod", devices / f"nvidia{number}", "c", "1", "3"], check=True)
            file = f"{devices}/nvidia[0-{GPUS_PER_NODE - 1}]"
            lines.append(f"NodeName={node} Name=gpu Type={kind} File={file} Flags=nvidia_gpu_env\n")
        (self.folder / "gres.conf").write_text("".join(lines))

    def _place_config(self) -> None:
        _put_back()
        if _present(SYSTEM_CONFIG):
            SYSTEM_CONFIG.rename(SET_ASIDE)
        SYSTEM_CONFIG.parent.mkdir(parents=True, exist_ok=True)
        SYSTEM_CONFIG.symlink_to(self.config)

    def _all_idle(self) -> bool:
        listed = subprocess.run(
            ["sinfo", "--noheader", "--Node", "--partition=main", "--format=%T"],
            env=self.environment,
            capture_output=True,
            text=True,
        )
        return listed.stdout.split() == ["idle"] * len(NODES)

    def _own_processes(self) -> set[int]:
        """Return the processes with the mark, the job steps of the nodes, and all their children."""
        parents = running()
        own = {process for process in parents if program_of(process) in STEPS or carries(process, MARK, self.folder)}
        return own | {process for process in parents if own & set(ancestors(process, parents))} - {os.getpid()}


def _may_make_devices() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(["mknod", f"{folder}/null", "c", "1", "3"], capture_output=True).returncode == 0


def _search_path() -> str:
    return f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin"


def _put_back() -> None:
    """Restore the system's configuration, also after a killed run."""
    if SYSTEM_CONFIG.is_symlink() and SYSTEM_CONFIG.readlink().name == CONFIG_NAME:
        SYSTEM_CONFIG.unlink()
    if _present(SET_ASIDE):
        SET_ASIDE.replace(SYSTEM_CONFIG)


def _present(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _fields(record: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in record.split() if "=" in part)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(reached: Callable[[], bool], otherwise: str) -> None:
    assert settle(reached, seconds=30), otherwise
