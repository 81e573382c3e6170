"""Write trained models as .keras files of Keras' own layers, which load with ``safe_mode=True``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from residua.errors import ResiduaError
from residua.networks.agunet.exported import facts_of, readme
from residua.networks.agunet.framework import keras, set_up
from residua.networks.agunet.model import trained, without_xla
from residua.networks.exporting import TOLERANCE, Ensemble
from residua.publishing.publish import write_json, write_text, writing


def export(ensemble: Ensemble, out: Path) -> None:
    """Fulfil ``residua.networks.exporting.Export``.

    Raises ``ResiduaError`` when a file that was read back gives other probabilities.
    """
    set_up()
    for fold, folder in ensemble.models.items():
        network = trained(folder)
        given = np.random.default_rng(fold).normal(size=(1, *network.input_shape[1:])).astype(np.float32)
        with writing(out / f"fold{fold}.keras", suffix=".keras") as beside:
            network.save(beside)
            read = without_xla(keras.models.load_model(beside, safe_mode=True))
            apart = float(np.abs(read.predict_on_batch(given) - network.predict_on_batch(given)).max())
            if not apart <= TOLERANCE:
                raise ResiduaError(f"fold{fold}.keras: its output differs from the model's by {apart:.2g}; report this")
        write_json(out / f"fold{fold}.json", {**facts_of(ensemble, folder), "fold": fold})
    write_text(out / "README.md", readme(ensemble, ".keras", "keras.models.load_model(file, safe_mode=True)"))
