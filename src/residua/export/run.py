"""Export models in the environment of their form, by the workflow ``rules/export.smk``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from residua.cluster.workflow import reasons, run_followed, workflow_command
from residua.errors import ResiduaError
from residua.networks.exporting import Ensemble, exports_of
from residua.publishing.publish import write_json


def require_form(ensemble: Ensemble, form: str) -> None:
    """Raise ``ResiduaError`` when models of this network do not leave in this form."""
    forms = exports_of(ensemble.arch)
    if form not in forms:
        offered = ", ".join(sorted(forms)) or "none"
        raise ResiduaError(f"--to {form}: models of {ensemble.arch} have no such form; there is: {offered}")


def export_models(ensemble: Ensemble, form: str, out: Path) -> None:
    """Write the models in one form into the new folder ``out``, which is whole or not there."""
    require_form(ensemble, form)
    require_new(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as place:
        work = Path(place)
        write_json(work / "ensemble.json", ensemble.to_json())
        code, log = run_followed(_command(ensemble.arch, form, work), work / "workflow.txt")
        if code != 0:
            raise ResiduaError(f"{out}: the export failed:\n{reasons(log)}")
        (work / "exported").rename(out)


def require_new(out: Path) -> None:
    """Raise ``ResiduaError`` when ``out`` is there already, unless it is an empty folder."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ResiduaError(f"{out}: exists already; name a new folder")


def _command(arch: str, form: str, work: Path) -> list[str]:
    chosen = ("--config", f"arch={arch}", f"form={form}")
    return workflow_command("rules/export.smk", work, "all", *chosen, "--quiet", "all")
