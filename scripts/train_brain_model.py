"""Rule train_brain_model."""

from collections.abc import Callable
from pathlib import Path

from _here import job, on_card

from residua.brain_model.settings import BrainModelSettings
from residua.publishing.progress import show_progress
from residua.publishing.publish import digest, record_digest, republished, stage

settings = BrainModelSettings.model_validate(job.params.settings)
parts = {name: [Path(file).parent for file in job.input[name]] for name in ("training", "held_out")}
resumes = record_digest([job.params.settings, *map(digest, job.input)])


def found(model: str) -> Callable[..., None]:
    """Return the function that trains, whose module imports the framework."""
    from residua.brain_model.train import train_brain_model

    return train_brain_model


if not republished(job.output[0], resumes):
    with stage(job.output[0], resumes=resumes) as folder:
        train = on_card(found, "brain_model")
        train(parts["training"], parts["held_out"], settings, folder, show_progress("epoch", folder / "progress.json"))
