"""Check before the first job that a SLURM cluster can run every job of the study.

SLURM itself rejects a job that fits no node only when its turn comes. A job that requests more time than its partition
allows waits without end or message, and with a wrong account the executor hangs.
"""

from __future__ import annotations

import getpass
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from residua.cluster.settings import cluster_file
from residua.errors import ResiduaError

ANY_TYPE = ""
_SINFO = ["sinfo", "--noheader", "--all", "--exact", "--format=%P|%l|%m|%c|%G"]
_ROW = re.compile(r"([^|]+?)(\*?)\|([^|]+)\|(\d+)\+?\|(\d+)\+?\|(.*)")
_DURATION = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)")


@dataclass(frozen=True)
class Offer:
    """One kind of node in one partition."""

    partition: str
    is_default: bool
    limit_min: int | None
    memory_mb: int
    cpus: int
    gpus: Mapping[str, int]


@dataclass(frozen=True)
class Request:
    """The resources of one SLURM job; no partition means the cluster's default."""

    name: str
    runtime_min: int = 0
    memory_mb: int = 0
    cpus: int = 1
    gpus: int = 0
    gpu_type: str = ANY_TYPE
    partitions: tuple[str, ...] = ()
    account: str | None = None
    is_group: bool = False

    @classmethod
    def of(cls, name: str, resources: Mapping[str, Any], is_group: bool = False) -> Request:
        """Build the request from the resources of a rule's job, or of a group of jobs, as the executor reads them."""
        counted = {resources.get("gpu_model", ANY_TYPE): resources.get("gpu", 0)}
        gpu_type, gpus = next(iter((gpus_of(resources.get("gres", "")) or counted).items()))
        return cls(
            name=name,
            runtime_min=resources.get("runtime", 0),
            memory_mb=resources.get("mem_mb", 0),
            cpus=resources.get("_cores", 1),
            gpus=gpus,
            gpu_type=gpu_type,
            partitions=tuple(filter(None, resources.get("slurm_partition", "").split(","))),
            account=resources.get("slurm_account"),
            is_group=is_group,
        )

    @property
    def where(self) -> str:
        """The partition, in words."""
        return f"partition {','.join(self.partitions)}" if self.partitions else "the default partition"

    @property
    def needs(self) -> str:
        """The requirements on a node, in words."""
        return f"{self.cpus} CPUs, {self.memory_mb} MB, {self.gpus} GPUs {self.gpu_type}".rstrip()


def check_cluster(requests: Iterable[Request]) -> list[Offer]:
    """Return what the nodes of this cluster offer; nothing, where SLURM does not answer.

    Raises ``ResiduaError`` with one line for every rule or group that this cluster can never run. Uses the answers of
    ``sinfo`` and ``sacctmgr``; without an answer, no problem is reported. Nodes that are down count, because they may
    come back.
    """
    requests = sorted(requests, key=lambda request: request.runtime_min, reverse=True)
    offers = read_offers(_answer(_SINFO))
    user = getpass.getuser()
    accounts = _answer(
        ["sacctmgr", "--noheader", "--parsable2", "list", "associations", "format=account", f"user={user}"]
    )
    problems: dict[str, str] = {}
    for request in requests:
        problem = account_problem(request, set(accounts.lower().split())) or shortage_of(request, offers)
        if problem:
            problems.setdefault(request.name, f"  {request.name}: {problem}")
    if problems:
        title = f"This cluster cannot run the study; correct {cluster_file()}: {len(problems)} problem(s)"
        raise ResiduaError("\n".join([title, *sorted(problems.values())]))
    return offers


def read_offers(listed: str) -> list[Offer]:
    """Parse the rows of ``sinfo --format=%P|%l|%m|%c|%G``; a star marks the default partition."""
    rows = (_ROW.fullmatch(line.strip()) for line in listed.splitlines())
    parts = (row.groups() for row in rows if row is not None)
    return [
        Offer(name, star == "*", _minutes(limit), int(memory), int(cpus), gpus_of(gres))
        for name, star, limit, memory, cpus, gres in parts
    ]


def account_problem(request: Request, accounts: set[str]) -> str | None:
    """Return the problem with the account; ``accounts`` are the user's in lower case, empty if there are none."""
    if request.account is None or not accounts or request.account.lower() in accounts:
        return None
    return f"account {request.account} is not one of yours: {', '.join(sorted(accounts))}"


def shortage_of(request: Request, offers: list[Offer]) -> str | None:
    """Return why no node can ever run the request; None if one can, or if no node is known."""
    there = [offer for offer in offers if _goes_to(request, offer)]
    if offers and not there:
        return f"{request.where} does not exist; there are {', '.join(dict.fromkeys(o.partition for o in offers))}"
    fitting = [offer for offer in there if _holds(offer, request)]
    if there and not fitting:
        return f"no node of {request.where} has {request.needs}"
    limits = [offer.limit_min for offer in fitting if offer.limit_min is not None]
    if len(limits) < len(fitting) or request.runtime_min <= max(limits, default=request.runtime_min):
        return None
    remedy = "make the group smaller in profiles/slurm/config.yaml" if request.is_group else "set max_runtime_h"
    given = f"{request.where} ends jobs after {max(limits) / 60:.4g} h"
    return f"requests {request.runtime_min / 60:.4g} h, but {given}: {remedy}"


def most_memory_mb(request: Request, offers: list[Offer]) -> int:
    """Return the memory (MB) of the largest node that can ever run the request; what it asks for, where no node can."""
    sizes = {offer.memory_mb for offer in offers if _goes_to(request, offer)}
    fitting = [size for size in sizes if shortage_of(replace(request, memory_mb=size), offers) is None]
    return max(fitting, default=request.memory_mb)


def _goes_to(request: Request, offer: Offer) -> bool:
    return offer.partition in request.partitions if request.partitions else offer.is_default


def _holds(offer: Offer, request: Request) -> bool:
    gpus = sum(offer.gpus.values()) if request.gpu_type == ANY_TYPE else offer.gpus.get(request.gpu_type, 0)
    return offer.memory_mb >= request.memory_mb and offer.cpus >= request.cpus and gpus >= request.gpus


def gpus_of(gres: str) -> dict[str, int]:
    """Count GPUs by type in a list such as ``gpu:a100:2(S:0-1),nvme:1``; an untyped GPU has the type ``""``."""
    gpus: dict[str, int] = {}
    for part in re.sub(r"\(.*?\)", "", gres).split(","):
        name, *words = part.split(":")
        if name == "gpu":
            kind = words[0] if words and not words[0].isdigit() else ANY_TYPE
            number = int(words[-1]) if words and words[-1].isdigit() else 1
            gpus[kind] = gpus.get(kind, 0) + number
    return gpus


def _minutes(limit: str) -> int | None:
    """Convert ``days-hours:minutes:seconds`` to minutes; None: unlimited."""
    parts = _DURATION.fullmatch(limit)
    if parts is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return (days * 24 + hours) * 60 + minutes + (seconds > 0)


def _answer(command: list[str]) -> str:
    """Return the output of a SLURM command; empty if it cannot run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
