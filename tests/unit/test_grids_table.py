from __future__ import annotations

from residua.tables.grids import table_s2


def test_median_and_range_along_each_axis_of_those_who_have_the_sequence() -> None:
    grids = {
        "STO1": {"post_t1ce": {"shape": [256, 256, 20], "spacing_mm": [1, 1, 6]}},
        "STO2": {
            "post_t1ce": {"shape": [512, 256, 180], "spacing_mm": [0.5, 1, 1]},
            "post_flair": {"shape": [128, 128, 30], "spacing_mm": [2, 2, 5]},
        },
        "STO3": {"post_t1ce": {"shape": [300, 256, 100], "spacing_mm": [0.8, 1, 1.2]}},
    }
    table = table_s2(grids, ["post_t1ce", "post_flair", "pre_t1ce"])
    contrast, flair, before = (dict(row) for _, row in table.frame.iterrows())
    assert (contrast["Sequence"], contrast["n"]) == ("Post-operative T1w-CE", 3)
    assert (contrast["Voxels x"], contrast["Voxels y"]) == ("300 [256; 512]", "256")
    assert (contrast["Spacing x (mm)"], contrast["Spacing z (mm)"]) == ("0.80 [0.50; 1.00]", "1.20 [1.00; 6.00]")
    assert (flair["n"], flair["Voxels z"], flair["Spacing z (mm)"]) == (1, "30", "5.00")
    assert (before["n"], before["Voxels x"], before["Spacing z (mm)"]) == (0, "n/a", "n/a")
    assert "[128;896]" in table.notes[0]
