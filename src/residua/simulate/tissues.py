"""MR properties of each tissue: proton density, relaxation times and uptake of contrast agent.

White and grey matter at 3 T after Wansapura et al. 1999 (J Magn Reson Imaging 9:531), fluid, muscle and fat within the
ranges of textbooks; the numbers of disease are invented within reported ranges. Two choices define the task: blood
(intracellular methaemoglobin) has, without contrast agent, the T1 that tumour has with it, and a T2 at which both are
equally bright on FLAIR. So the two agree on T1w-CE and FLAIR, and only T1w distinguishes them.
"""

from __future__ import annotations

from dataclasses import dataclass

RELAXIVITY_PER_MM_MS = 4.0e-3
"""Increase of 1/T1 by 1 mmol/l of a gadolinium agent, in 1/ms."""


@dataclass(frozen=True)
class Tissue:
    """Proton density relative to water, T1 at 1.5 T and at 3 T, T2, and the contrast agent's concentration in it."""

    proton_density: float
    t1_at_1_5_t_ms: float
    t1_at_3_t_ms: float
    t2_ms: float
    uptake_mm: float = 0.0
    flowing: bool = False

    def t1_ms(self, field_strength_t: float) -> float:
        """Return T1 at a field strength, linear between 1.5 T and 3 T."""
        weight = min(max((field_strength_t - 1.5) / 1.5, 0.0), 1.0)
        return self.t1_at_1_5_t_ms + weight * (self.t1_at_3_t_ms - self.t1_at_1_5_t_ms)


TISSUES = {
    "air": Tissue(0.01, 1000.0, 1000.0, 50.0),
    "skin": Tissue(0.60, 700.0, 850.0, 40.0, 0.05),
    "fat": Tissue(0.55, 290.0, 370.0, 65.0),
    "muscle": Tissue(0.60, 950.0, 1200.0, 42.0, 0.04),
    "bone": Tissue(0.06, 600.0, 700.0, 30.0),
    "marrow": Tissue(0.40, 350.0, 450.0, 50.0),
    "eye": Tissue(0.98, 3900.0, 4100.0, 1200.0),
    "dura": Tissue(0.50, 900.0, 1100.0, 50.0, 0.50),
    "csf": Tissue(1.00, 4200.0, 4300.0, 1800.0),
    "gm": Tissue(0.82, 1100.0, 1331.0, 105.0, 0.01),
    "wm": Tissue(0.70, 650.0, 832.0, 76.0, 0.005),
    "vessel": Tissue(0.60, 1441.0, 1900.0, 120.0, 0.60, flowing=True),
    "oedema": Tissue(0.88, 1400.0, 1750.0, 150.0),
    "wall": Tissue(0.82, 1200.0, 1500.0, 115.0, 0.04),
    "cavity": Tissue(1.00, 3700.0, 3900.0, 1500.0),
    "necrosis": Tissue(0.95, 2200.0, 2600.0, 200.0, 0.02),
    "tumor": Tissue(0.85, 1600.0, 1750.0, 125.0, 0.40),
    "blood": Tissue(0.87, 438.0, 455.0, 76.0),
    "pia": Tissue(0.75, 1300.0, 1600.0, 80.0, 0.50),
    "infiltrated": Tissue(0.90, 1350.0, 1700.0, 190.0),
}
"""Tissues by the names of layers. Dura, pia and vessels enhance, too: a network must not mistake them for tumour."""

CODES = {tissue: code for code, tissue in enumerate(TISSUES, start=1)}
"""Values of the tissue labels that are written with the truth; 0 is no tissue."""
