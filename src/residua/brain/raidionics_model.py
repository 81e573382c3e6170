"""Run a model as the authors of raidionicsseg publish them: ONNX files beside the settings of their preparation.

Such a model is an archive (zip) of one folder: ``pre_processing.ini``, and an ONNX file in a folder for each fold.
"""

from __future__ import annotations

import logging
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from raidionicsseg.fit import run_model

from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Image
from residua.publishing.publish import digest

Answer = Literal["labels", "probabilities"]
SETTINGS = "pre_processing.ini"
MOST_BYTES = 4 << 30
"""More than any published model has when it is unpacked."""
_CONFIG = """[System]
gpu_id=-1
inputs_folder={folder}/in
output_folder={folder}/out
model_folder={model}
[Runtime]
folds_ensembling=True
ensembling_strategy=average
reconstruction_method={method}
reconstruction_order=resample_first
[Neuro]
brain_segmentation_filename={brain}
"""


class RaidionicsModel:
    """A model, unpacked once for many patients into a folder that ends with the process."""

    def __init__(self, archive: Path, sha256: str) -> None:
        """Unpack a model. Raises ``ResiduaError`` for another digest, and for an archive that holds no model."""
        _require_digest(archive, sha256)
        self._home = tempfile.TemporaryDirectory(prefix="raidionics-")
        self._model = _unpacked(archive, Path(self._home.name))

    def __call__(self, images: Sequence[Image], answer: Answer, brain: Image | None = None) -> Image:
        """Return what the model says of a patient's ``images``, all on one grid, in the order of its inputs.

        "labels": the class of every voxel, 1 being the structure; "probabilities": that of the structure. ``brain`` is
        the brain mask for models that need one. Raises ``ResiduaError`` when raidionicsseg fails.
        """
        with tempfile.TemporaryDirectory(prefix="patient-", dir=self._home.name) as scratch:
            folder = Path(scratch)
            for name in ("in", "out"):
                (folder / name).mkdir()
            for number, image in enumerate(images):
                volumes.save(image, folder / f"in/input{number}.nii.gz")
            mask = folder / "brain.nii.gz"
            if brain is not None:
                volumes.save(brain, mask)
            method = "argmax" if answer == "labels" else "probabilities"
            text = _CONFIG.format(folder=folder, model=self._model, method=method, brain=mask if brain else "")
            (folder / "config.ini").write_text(text, encoding="utf-8")
            _run(folder / "config.ini")
            return _only_answer(folder / "out", images[0])


def _require_digest(archive: Path, sha256: str) -> None:
    if not archive.is_file():
        raise ResiduaError(f"{archive}: the model is missing; correct the path")
    if digest(archive) != sha256:
        raise ResiduaError(f"{archive}: its sha256 differs from the one that is given; correct the path or the digest")


def _unpacked(archive: Path, into: Path) -> Path:
    """Unpack the archive and return the folder with the model's settings."""
    try:
        with zipfile.ZipFile(archive) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > MOST_BYTES:
                raise ResiduaError(f"{archive}: holds more than {MOST_BYTES >> 30} GiB, which no model does")
            # Python leaves out a drive, a leading slash and every "..".
            packed.extractall(into)
    except zipfile.BadZipFile as error:
        raise ResiduaError(f"{archive}: not a zip archive ({error}); give the model as it was downloaded") from None
    found = sorted(into.rglob(SETTINGS))
    if len(found) != 1 or not list(found[0].parent.glob("*/*.onnx")):
        what = f"no folder with {SETTINGS} and an ONNX file in a folder for each fold"
        raise ResiduaError(f"{archive}: holds {what}; give a model that raidionicsseg runs")
    return found[0].parent


class _Errors(logging.Handler):
    """Keeps the first line of what raidionicsseg says of an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(" ".join(record.getMessage().split())[:300])


def _run(config: Path) -> None:
    errors = _Errors()
    logging.getLogger().addHandler(errors)
    try:
        run_model(str(config))
    except Exception as error:
        # It raises whatever its libraries raise, and says why in its log alone.
        why = errors.said[0] if errors.said else f"{type(error).__name__}: {error}"
        raise ResiduaError(f"raidionicsseg fails: {why}") from error
    finally:
        logging.getLogger().removeHandler(errors)


def _only_answer(folder: Path, image: Image) -> Image:
    found = sorted(folder.glob("*.nii.gz"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "nothing"
        raise ResiduaError(f"raidionicsseg wrote {names}; the model must have one structure beside the background")
    answer = volumes.load(found[0])
    volumes.require_same_grid(answer, image, "the answer of raidionicsseg")
    return Image(answer.data, image.grid)
