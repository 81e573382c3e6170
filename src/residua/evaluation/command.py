"""``residua evaluate``: compare two folders of masks without the workflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from residua.terminal import plain_console

if TYPE_CHECKING:
    import pandas as pd

    from residua.metrics.conventions import LesionWise
    from residua.metrics.lesions import LesionRule
    from residua.metrics.metric_tables import MetricTables

_OUT = "Table to write (CSV), one row per case; beside it ..._lesions.csv and ..._summary.csv."
Convention = Literal["article", "brats-lesionwise"]
_CONVENTION = "brats-lesionwise adds the lesion-wise scores of the BraTS challenges as columns brats_... of each case."
_OVERLAP = "Share of a reference lesion that must be covered for it to be found; 0: one voxel is enough."


def evaluate(
    reference: Annotated[Path, typer.Argument(help="Folder of reference masks.")],
    prediction: Annotated[Path, typer.Argument(help="Folder of predicted masks with the same names.")],
    out: Annotated[Path, typer.Option(help=_OUT)],
    covariates: Annotated[
        Path | None, typer.Option(help="Table with a row per case, whose columns make subgroups of the summary.")
    ] = None,
    min_component_voxels: Annotated[int, typer.Option(min=0, help="Smallest lesion, in voxels.")] = 20,
    min_lesion_overlap: Annotated[float, typer.Option(min=0, max=1, help=_OVERLAP)] = 0.0,
    residual_tumor_ml: Annotated[
        float, typer.Option(min=0.001, help="Smallest volume that counts as residual tumour of a patient.")
    ] = 0.175,
    convention: Annotated[Convention, typer.Option(help=_CONVENTION)] = "article",
) -> None:
    """Compare two folders of masks without the workflow: cases, lesions, and a summary with subgroups."""
    from residua.evaluation.covariates import Covariates, read_covariates
    from residua.evaluation.folders import LESION_WISE, masks_of
    from residua.evaluation.summary import summarise
    from residua.metrics.conventions import CONVENTIONS
    from residua.metrics.lesions import LesionRule
    from residua.metrics.registry import EVALUATED

    known = read_covariates(covariates, list(masks_of(reference))) if covariates else Covariates({}, ())
    for line in known.left_out:
        typer.echo(f"{covariates}: {line}", err=True)
    lesion_wise = CONVENTIONS[convention].lesion_wise
    found = _measured(reference, prediction, LesionRule(min_component_voxels, min_lesion_overlap), lesion_wise)
    _write(out, found.cases[["case", *EVALUATED, *(LESION_WISE if lesion_wise else ())]])
    _write(out.with_name(f"{out.stem}_lesions.csv"), found.lesions)
    _write(out.with_name(f"{out.stem}_summary.csv"), summarise(found.cases, known.groups, residual_tumor_ml))


def _measured(reference: Path, prediction: Path, rule: LesionRule, lesion_wise: LesionWise | None) -> MetricTables:
    from residua.evaluation.folders import evaluate_folders

    with plain_console(stderr=True).status("Measuring") as shown:

        def progress(done: int, planned: int) -> None:
            shown.update(f"Measured {done} of {planned} cases")

        return evaluate_folders(reference, prediction, rule, lesion_wise, progress)


def _write(path: Path, table: pd.DataFrame) -> None:
    from residua.publishing.publish import write_text

    write_text(path, table.to_csv(index=False))
    typer.echo(path)
