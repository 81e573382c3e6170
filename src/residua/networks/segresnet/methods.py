"""Describe a study's SegResNet for its report; this imports no framework."""

from __future__ import annotations

from residua.networks.segresnet.settings import SegResNetSettings
from residua.words import listed


def methods(settings: SegResNetSettings) -> tuple[str, ...]:
    """Fulfil ``residua.networks.contract.Methods``."""
    x, y, z = settings.patch_size
    filters = [str(settings.init_filters * 2**level) for level in range(len(settings.blocks_down))]
    mirroring = "" if settings.augmentation == "auto3dseg" else ", without flips"
    return (
        "Every channel was cropped to the brain, normalised to mean 0 and sd 1 within it and resampled to "
        f"{' × '.join(f'{size:g}' for size in settings.spacing_mm)} mm. The network, SegResNet (Myronenko 2018, "
        f"arXiv:1810.11654, without its autoencoder) as built by MONAI (Cardoso et al. 2022, arXiv:2211.02701), sees "
        f"patches of {x} × {y} × {z} voxels and has {len(filters)} levels of {listed(filters)} filters, with "
        f"{listed([str(number) for number in settings.blocks_down])} residual blocks on the way down and "
        f"{listed([str(number) for number in settings.blocks_up])} on the way up.",
        f"It was trained for {settings.epochs} epochs of {_patches(settings.patches_per_patient)} per patient with a "
        f"batch of {settings.batch_size}, by AdamW with a learning rate that grows to {settings.learning_rate:g} in "
        f"{settings.warmup_epochs} epochs and falls as a cosine, on the sum of soft Dice and cross-entropy, with a "
        f"dropout of {100 * settings.dropout:g} %. Of the patches of patients with tumour, "
        f"{100 * settings.foreground_oversampling:g} % lie around a tumour voxel. Augmentation is that of MONAI's "
        f"Auto3DSeg{mirroring}. The weights are those of the last epoch. Predictions come from windows that overlap by "
        f"{100 * settings.window_overlap:g} % of the patch.",
    )


def _patches(number: int) -> str:
    return "one patch" if number == 1 else f"{number} patches"
