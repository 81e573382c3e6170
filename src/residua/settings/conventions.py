"""Settings of the named conventions of evaluation that are compared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from residua.settings.base import Distinct, Frozen
from residua.settings.classification import Classification
from residua.settings.defaults import is_default
from residua.settings.postprocessing import Postprocessing
from residua.settings.statistics import FoldWeights

ConventionName = Literal["article", "authors-code-2023", "brats-lesionwise"]
Conventions = Annotated[
    Distinct[ConventionName],
    Field(
        description="Conventions of evaluation that are compared with the study's own: authors-code-2023, "
        "brats-lesionwise, or article where the study's own differs; an empty list: none. "
        "docs/explanation/conventions.md says what each is.",
        exclude_if=is_default(()),
    ),
]


class Own(Frozen):
    """The settings of a study that its own convention expresses, and no others: what depends on it reruns by these."""

    postprocessing: Postprocessing
    classification: Classification
    fold_weights: FoldWeights
    folds_ddof: Literal[0, 1]
