"""Fill in the numbers of the networks whose configuration leaves them to a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast

from residua.publishing.seals import require_sealed
from residua.settings.networks import known_networks
from residua.settings.study import Study, load_study


class WithPlan(Protocol):
    """``networks/{arch}/planned.py: with_plan``, of a network that can be planned; it imports no framework."""

    def __call__(
        self, record: Mapping[str, Any], made_here: Path | None, inputs: Mapping[str, Sequence[bool]]
    ) -> dict[str, Any]:
        """Return the network's settings, as builtins, with the numbers of the plan that they name.

        ``made_here`` is the file of a plan that the workflow makes; where it is not made yet the settings stay as they
        are. ``inputs`` hold, for each input configuration, whether each channel is a label.
        """


def plan_file(arch: str, plan: str) -> str:
    """Return the file of a plan that the workflow makes, relative to the study's folder."""
    return f"results/plans/{arch}/{plan}.json"


def planned_study(config: dict[str, Any]) -> Study:
    """Check a configuration as it was read, and return it as a study with the numbers of the plans that it names.

    Raises ``ResiduaError`` with one line per problem.
    """
    return load_study(with_plans(config))


def with_plans(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a study, as it was read, with the numbers of the plans that its networks name.

    Whatever else is wrong with the configuration is left to its check. Raises ``ResiduaError`` for plans that cannot
    be followed.
    """
    networks = config.get("networks")
    if not isinstance(networks, Mapping):
        return config
    filled = {
        arch: _filled(arch, record, config) if isinstance(record, Mapping) and "plans" in record else record
        for arch, record in networks.items()
    }
    return {**config, "networks": filled}


def _filled(arch: str, record: Mapping[str, Any], config: Mapping[str, Any]) -> Mapping[str, Any]:
    known, module = known_networks(), f"residua.networks.{arch}.planned"
    if arch not in known or not find_spec(module):
        return record
    plan = record["plans"]
    made_here = Path(plan_file(arch, plan)) if plan in known[arch].plans_made_here else None
    if made_here is not None:
        require_sealed([str(made_here)])
    return cast(WithPlan, import_module(module).with_plan)(record, made_here, _labels(config))


def _labels(config: Mapping[str, Any]) -> dict[str, list[bool]]:
    inputs, labels = config.get("inputs"), config.get("labels")
    if not isinstance(inputs, Mapping) or not isinstance(labels, Mapping):
        return {}
    lists = {name: channels for name, channels in inputs.items() if isinstance(channels, list)}
    return {name: [channel in labels for channel in channels] for name, channels in lists.items()}
