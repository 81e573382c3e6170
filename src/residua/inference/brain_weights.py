"""The weights that brain masks of an application need: out of a bundle, or the authors' as the user gives them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from residua.bundle.read import unpack_brain_weights
from residua.errors import ResiduaError
from residua.inference.bundles import Bundle
from residua.publishing.publish import digest
from residua.settings.study import Study


def provide_brain_weights(study: Study, bundles: Sequence[Bundle], folder: Path = Path()) -> None:
    """Make sure that the weights of an application's brain masks lie in its folder, where ``study`` names them.

    Raises ``ResiduaError`` when a bundle does not hold what it should, and as ``require_given_weights`` does.
    """
    if study.brain_mask.has_own_network:
        unpack_brain_weights(Path(bundles[0].path), folder / str(study.brain_mask.weights))
    require_given_weights(study, folder)


def require_given_weights(study: Study, folder: Path) -> None:
    """Refuse the folder of an application without the authors' model, which bundles name and do not hold."""
    mask = study.brain_mask
    if mask.method != "raidionics":
        return
    file = folder / str(mask.weights)
    try:
        what = "" if digest(file) == mask.weights_sha256 else "is not the file that the bundles name"
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
    if what:
        raise ResiduaError(
            f"{file}: {what}. Brain masks are made by a model of its authors, which bundles do not hold: put it there, "
            f"as it was downloaded (sha256 {mask.weights_sha256}; docs/how-to/predict.md)"
        )
