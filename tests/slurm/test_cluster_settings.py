"""The cluster file, and the check of its settings against a cluster's answers; no cluster is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from residua.cluster.settings import Cluster, load_cluster
from residua.cluster.slurm import Request, account_problem, gpus_of, most_memory_mb, read_offers, shortage_of
from residua.errors import ResiduaError
from runs import HOUSE

SINFO = """\
main*|infinite|400000|24|(null)
main*|infinite|400000|24|gpu:a100:2(S:0-1)
gpu|3-00:00:00|500000|48|gpu:a100:4,nvme:1
gpu|3-00:00:00|250000|32|gpu:2
short|30:00|400000+|24|(null)
a banner that the cluster prints
"""
TRAINING = Request("train", runtime_min=10080, memory_mb=64000, cpus=12, gpus=1)


def test_the_repositorys_cluster_file_sets_no_option() -> None:
    cluster = load_cluster(HOUSE / "profiles/slurm/cluster.yaml")
    assert cluster == Cluster()
    assert cluster.cpu.resources() == cluster.gpu.resources() == {}


@pytest.mark.parametrize(
    ("gpu", "expected"),
    [
        ({"request": "gpus", "type": "a100"}, {"gpu_model": "'a100'"}),
        ({"request": "gres"}, {"gpu": 0, "gres": "'gpu:1'"}),
        ({"request": "gres", "type": "a100"}, {"gpu": 0, "gres": "'gpu:a100:1'"}),
        ({"partition": "g,h", "account": "p-1@gpu"}, {"slurm_partition": "'g,h'", "slurm_account": "'p-1@gpu'"}),
        ({"qos": "long", "constraint": "a|b"}, {"qos": "'long'", "constraint": "'a|b'"}),
    ],
)
def test_each_way_to_request_a_gpu(gpu: dict[str, str], expected: dict[str, str | int]) -> None:
    assert Cluster.model_validate({"gpu": gpu}).gpu.resources() == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gpus: {partition: gpu}", "gpus: unknown key"),
        ("cpu: {account: 0123}", "cpu.account: Input should be a valid string (found 83): put it in quotes"),
        ("gpu: {request: gpu}", "gpu.request: Input should be 'gpus' or 'gres' (found 'gpu')"),
        ("gpu: {type: a100-80gb}", "gpu.type: "),
        ('cpu: {partition: "a\' b"}', "cpu.partition: "),
        ("max_runtime_h: 0", "max_runtime_h: "),
        ("cpu: [", "cannot be read as YAML"),
    ],
)
def test_error_of_a_wrong_cluster_file_names_file_and_key(cluster_file: Path, text: str, message: str) -> None:
    cluster_file.write_text(text)
    with pytest.raises(ResiduaError) as error:
        load_cluster(cluster_file)
    assert str(cluster_file) in str(error.value)
    assert message in str(error.value)


def test_error_of_a_missing_cluster_file_names_the_variable() -> None:
    with pytest.raises(ResiduaError, match="RESIDUA_CLUSTER"):
        load_cluster(Path("/nowhere/cluster.yaml"))


def test_offers_are_read_from_sinfo() -> None:
    offers = read_offers(SINFO)
    assert [offer.partition for offer in offers] == ["main", "main", "gpu", "gpu", "short"]
    assert [offer.limit_min for offer in offers] == [None, None, 4320, 4320, 30]
    assert [offer.is_default for offer in offers] == [True, True, False, False, False]
    assert [offer.gpus for offer in offers] == [{}, {"a100": 2}, {"a100": 4}, {"": 2}, {}]
    assert offers[4].memory_mb == 400000


def test_gpus_are_counted_by_type() -> None:
    assert gpus_of("gpu:a100:2(S:0-1),gpu:1g.5gb:4,nvme:1") == {"a100": 2, "1g.5gb": 4}
    assert gpus_of("gpu") == {"": 1}
    assert gpus_of("(null)") == gpus_of("") == {}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, None),
        ({"gpus": 0, "memory_mb": 400000}, None),
        ({"gpus": 3}, "no node of the default partition has 12 CPUs, 64000 MB, 3 GPUs"),
        ({"gpu_type": "h100"}, "1 GPUs h100"),
        ({"partitions": ("gpu",), "cpus": 48, "gpu_type": "a100", "runtime_min": 4320}, None),
        ({"partitions": ("gpu",), "cpus": 48, "memory_mb": 500001}, "no node of partition gpu has 48 CPUs, 500001 MB"),
        ({"partitions": ("gpu",)}, "requests 168 h, but partition gpu ends jobs after 72 h: set max_runtime_h"),
        ({"partitions": ("gpu",), "is_group": True}, "make the group smaller in profiles/slurm/config.yaml"),
        ({"partitions": ("short", "main")}, None),
        ({"partitions": ("gpux",)}, "partition gpux does not exist; there are main, gpu, short"),
    ],
)
def test_request_that_no_node_can_run_is_reported(change: dict[str, object], problem: str | None) -> None:
    said = shortage_of(Request(**{**vars(TRAINING), **change}), read_offers(SINFO))
    assert said is None if problem is None else said is not None and problem in said


@pytest.mark.parametrize(
    ("change", "most_mb"),
    [
        ({}, 400000),
        ({"partitions": ("gpu",), "runtime_min": 4320}, 500000),
        ({"partitions": ("gpu",), "runtime_min": 4320, "gpus": 5}, 64000),
        ({"partitions": ("main", "gpu"), "runtime_min": 10080}, 400000),
    ],
)
def test_the_largest_node_is_one_that_can_run_the_request(change: dict[str, object], most_mb: int) -> None:
    assert most_memory_mb(Request(**{**vars(TRAINING), **change}), read_offers(SINFO)) == most_mb


def test_no_problem_without_an_answer_of_the_cluster() -> None:
    assert shortage_of(TRAINING, []) is None
    assert account_problem(Request("train", account="other"), set()) is None


def test_foreign_account_is_reported() -> None:
    assert account_problem(Request("train", account="Mine"), {"mine"}) is None
    said = account_problem(Request("train", account="other"), {"mine", "ours"})
    assert said == "account other is not one of yours: mine, ours"


@pytest.mark.parametrize(
    ("resources", "gpus", "gpu_type"),
    [
        ({"gpu": 1}, 1, ""),
        ({"gpu": 1, "gpu_model": "a100"}, 1, "a100"),
        ({"gpu": 0, "gres": "gpu:a100:1"}, 1, "a100"),
        ({"gpu": 0, "gres": "gpu:1"}, 1, ""),
        ({}, 0, ""),
    ],
)
def test_request_reads_resources_as_the_executor_does(resources: dict[str, object], gpus: int, gpu_type: str) -> None:
    request = Request.of("train", resources | {"_cores": 3, "mem_mb": 5, "runtime": 7, "slurm_partition": "a,b"})
    assert (request.gpus, request.gpu_type) == (gpus, gpu_type)
    assert (request.cpus, request.memory_mb, request.runtime_min, request.partitions) == (3, 5, 7, ("a", "b"))
