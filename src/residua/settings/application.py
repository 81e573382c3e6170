"""Settings of an application: the models of bundles, on patients who are in no study."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from residua.settings.base import Frozen
from residua.settings.messages import validated

BUNDLES = "bundles"
"""The key that makes a configuration one of an application."""

Missing = Literal["refuse", "zeros"]


class Application(Frozen):
    """New patients, and the bundles whose models are applied to them. All other settings are those of the bundles."""

    bundles: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        min_length=1, description="Bundles (files or folders), relative to the working directory."
    )
    cohort: str = Field(
        min_length=1,
        description="Table of the patients, relative to the working directory: patient, and a column per sequence. "
        "hospital and role may be missing.",
    )
    missing: Missing = Field(
        default="refuse",
        description="What becomes of a patient without a channel whom no bundle fits. A network that was trained to do "
        "without it gets zeros. Others refuse the patient, or with zeros get them too, and their results are doubtful.",
    )


def load_application(config: dict[str, Any]) -> Application:
    """Check a configuration with the key ``bundles``.

    Raises ``ResiduaError`` with one line per problem, each with the key and what is wrong.
    """
    refusal = "The configuration of the application cannot be used"
    return validated(Application, config, "docs/how-to/predict.md", "application", refusal)
