"""Define what every network package offers; nothing outside ``networks/`` knows the name of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from residua.images.volumes import Grid, Image
from residua.networks.cases import Channel, PreparedCase, TrainingSet
from residua.preparation.brain_crop import Crop
from residua.preparation.cases import ChannelCase

Settings = TypeVar("Settings", contravariant=True)
Progress = Callable[[int, int], None]
"""Called with the number done and the total: epochs of a training, patients of a prediction."""


Member = Callable[[int, Image], None]
"""Called with the place of a model among those that were loaded, and its own probability map."""


@dataclass(frozen=True)
class Output:
    """What one model says of a case, and what is left to do, which needs neither the model nor its card.

    Both functions are called in another thread, while the models go on: they hold what they need and nothing more.
    """

    probability: Callable[[], NDArray[np.float32]]
    """Returns the foreground probability on the grid on which models are averaged; called once."""
    restore: Callable[[NDArray[np.float32]], Image]
    """Brings probabilities from that grid to the reference grid; called with the model's own, and with the mean."""


class Predictor(Protocol):
    """One or more trained models, loaded. A network's own class inherits from this one."""

    on_card: bool = False
    """Whether the models run on a card, so that all other work is for the processor's threads."""

    def read(self, case: PreparedCase) -> Any:
        """Read what the models see of a case; called in another thread while they predict the case before it."""

    def outputs(self, given: Any) -> Iterator[Output]:
        """Yield what each model says, one after the other; ``given`` is what ``read`` returned."""

    def predict(self, given: Any, member: Member | None = None) -> Image:
        """Return the foreground probability on the reference grid: the mean of the models' softmax.

        ``given`` is what ``read`` returned. ``member`` gets the softmax of each model, on the same grid. It does not
        change the mean.
        """
        total: NDArray[np.float32] = np.zeros((), dtype=np.float32)
        models = 0
        for models, output in enumerate(self.outputs(given), start=1):
            probability = output.probability()
            total = total + probability
            if member:
                member(models - 1, output.restore(probability))
        return output.restore(total / np.float32(models))

    def __call__(self, case: PreparedCase, member: Member | None = None) -> Image:
        """Read and predict one case."""
        return self.predict(self.read(case), member)


class TargetGrid(Protocol[Settings]):
    """``networks/{arch}/target.py: target_grid``; it imports no framework, because channels are sampled without one."""

    def __call__(self, crop: Crop, settings: Settings) -> Grid:
        """Return the grid to which ``prepare`` resamples a channel, before any padding.

        Its axes are those of the reference grid. ``settings`` are those that ``prepare`` gets. A channel that comes
        ``sampled`` lies on this grid already, and ``prepare`` does not resample it.
        """


class MakePlan(Protocol):
    """``networks/{arch}/planner.py: make_plan``, of a network whose settings name ``plans_made_here``."""

    def __call__(self, crops: Sequence[Crop], channels: Sequence[Channel], plan: str) -> dict[str, Any]:
        """Return the plan of this name, as builtins, for the brains of the patients that train a network.

        ``networks/{arch}/planned.py`` takes the network's settings from it (``residua.networks.planning``).
        """


class Prepare(Protocol[Settings]):
    """``networks/{arch}/prepare.py: prepare``."""

    def __call__(self, cases: Sequence[ChannelCase], is_label: bool, settings: Settings, out: Path) -> None:
        """Write one file per case, named by the patient and a suffix, for one channel into ``out``.

        ``settings`` are an instance of the ``preparation_model`` of the network's settings.
        """


class Train(Protocol[Settings]):
    """``networks/{arch}/train.py: train``."""

    def __call__(self, data: TrainingSet, settings: Settings, out: Path, progress: Progress) -> None:
        """Train into ``out``; resume an unfinished training that ``out`` holds.

        It calls ``progress`` in the main thread when an epoch begins, which ends a training on damaged data. It
        replaces files in ``out`` and writes into none: they may have to come back. It opens files of ``data`` by the
        paths that it was given, which lead to nearer copies as the training goes on.
        Only networks whose settings are ``StartingFromBundles`` are given data with a ``start``.
        """


class Load(Protocol):
    """``networks/{arch}/predict.py: load``."""

    def __call__(self, models: Sequence[Path]) -> Predictor:
        """Load the trained models in the folders ``models``."""


class Methods(Protocol[Settings]):
    """``networks/{arch}/methods.py: methods``, which may be missing; it imports no framework."""

    def __call__(self, settings: Settings) -> tuple[str, ...]:
        """Describe preparation, architecture and training in paragraphs of a report.

        From which models trainings start is said beside it.
        """


class Misdescribed(Protocol[Settings]):
    """``networks/{arch}/model_files.py: misdescribed``, beside ``FILES``; it imports no framework."""

    def __call__(self, described: Mapping[str, Any], settings: Settings, channels: Sequence[Channel]) -> str | None:
        """Return the file of a trained model that describes another network than settings and channels do; else None.

        ``described`` holds the content of each JSON file among ``FILES``, by name. A stranger may have written it: what
        the framework would import by a name that stands there must be refused here.
        """
