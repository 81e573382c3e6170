"""Settings of an application: the models of bundles, on patients who are in no study."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from residua.settings.base import Frozen
from residua.settings.machine import AnyMachine, Machine
from residua.settings.messages import validated
from residua.settings.places import plain_place

BUNDLES = "bundles"
"""The key that makes a configuration one of an application."""

Missing = Literal["refuse", "zeros"]


def _plain(places: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(plain_place, places))


class Recalibration(Frozen):
    """A part of the cohort on which the threshold is chosen anew; the rest measures what that brings."""

    share: float = Field(default=0.5, gt=0, lt=1, description="Share of the units that choose the threshold.")
    seed: int = Field(default=1, ge=0, description="The same seed draws the same units of the same table.")
    unit: Literal["person", "hospital"] = Field(
        default="person", description="What is drawn as a whole: all rows of a person, or all patients of a hospital."
    )


class Validation(Frozen):
    """What is measured where the patients of an application have reference standards."""

    recalibrate: Recalibration | None = Field(
        default=Recalibration(), description="The part that chooses the threshold anew; null: no part does."
    )


class Application(Frozen):
    """New patients, and the bundles whose models are applied to them. All other settings are those of the bundles."""

    bundles: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], AfterValidator(_plain)] = Field(
        min_length=1, description="Bundles (files or folders), relative to the working directory."
    )
    cohort: Annotated[str, AfterValidator(plain_place)] = Field(
        min_length=1,
        description="Table of the patients, relative to the working directory: patient, and a column per sequence. "
        "hospital and role may be missing.",
    )
    missing: Missing = Field(
        default="refuse",
        description="What becomes of a patient without a channel whom no bundle fits. A network that was trained to do "
        "without it gets zeros. Others refuse the patient, or with zeros get them too, and their results are doubtful.",
    )
    validation: Validation | None = Field(
        default=None, description="Given ({} is enough): measure the bundles by the reference standards of the table."
    )
    machine: AnyMachine = Machine()


def load_application(config: dict[str, Any]) -> Application:
    """Check a configuration with the key ``bundles``.

    Raises ``ResiduaError`` with one line per problem, each with the key and what is wrong.
    """
    refusal = "The configuration of the application cannot be used"
    return validated(Application, config, "docs/how-to/predict.md", "application", refusal)
