"""Caption of the Kaplan-Meier figure."""

from __future__ import annotations

import pandas as pd


def caption(prognosis: pd.DataFrame, alpha: float, residual_tumor_ml: float) -> str:
    """Write the caption from the rows of gross total resection."""
    what = "Survival after surgery (Kaplan-Meier; not in the article)."
    judged = prognosis[prognosis["predictor"] == "gross_total"]
    if judged.empty or not judged["n"].max():
        return f"{what} No patient whose survival is known was judged by all networks."
    first = judged.iloc[0]
    missing = f"; of {first['unknown']} more the survival is not known" if first["unknown"] else ""
    missing += f"; {first['not_judged']} more are not judged by all networks" if first["not_judged"] else ""
    return (
        f"{what} Patients with residual tumour (at least {residual_tumor_ml:g} ml) and after gross total resection, by "
        "the manual segmentation and by each network with its best inputs for classification: the same "
        f"{first['n']} patients in each panel, {first['deaths']} of whom died{missing}. Out-of-fold and hold-out "
        f"predictions together. Bands: {100 * (1 - alpha):g} % intervals of the logarithm of the cumulative hazard; "
        "ticks: end of the follow-up of a patient who is alive. Below: patients at risk. HR: hazard ratio of death "
        "after gross total resection against residual tumour; p: log-rank test; both stratified by out-of-fold and "
        "hold-out."
    )
