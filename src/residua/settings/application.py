"""Settings of an application: the models of bundles, on patients who are in no study."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from residua.errors import ResiduaError
from residua.settings.base import Frozen
from residua.settings.messages import problem_lines
from residua.settings.together import contradictions

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
    try:
        return Application.model_validate(config)
    except ValidationError as error:
        lines = problem_lines(error, "docs/how-to/predict.md", "application", contradictions(Application, config))
        raise ResiduaError(f"The configuration of the application cannot be used:\n{lines}") from None
