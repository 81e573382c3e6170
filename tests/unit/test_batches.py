from __future__ import annotations

from dataclasses import replace

from residua.cohort.batches import BATCH_PATIENTS, batches
from residua.cohort.table.patient import Patient


def members(hospital: str, count: int) -> list[Patient]:
    return [Patient(f"{hospital}x{n}", hospital, "auto", "", n + 2) for n in range(count)]


def test_a_batch_holds_at_most_twenty_neighbours_of_one_hospital() -> None:
    found = batches(members("STO", 45))
    assert {name: len(batch) for name, batch in found.items()} == {"STO-0": 20, "STO-1": 20, "STO-2": 5}
    assert found["STO-1"][0] == "STOx20"
    assert BATCH_PATIENTS == 20


def test_every_patient_is_in_exactly_one_batch_in_table_order() -> None:
    mixed = [p for pair in zip(members("STO", 30), members("GOT", 30), strict=True) for p in pair]
    found = batches(mixed)
    assert sorted(p for batch in found.values() for p in batch) == sorted(p.patient for p in mixed)
    assert found["GOT-0"] == tuple(f"GOTx{n}" for n in range(20))


def test_names_are_unique_whatever_hospitals_are_called() -> None:
    found = batches([*members("A", 300), *members("A1", 41), *members("A11", 21)])
    assert len(found) == 15 + 3 + 2
    assert all({p.split("x")[0] for p in batch} == {name.split("-")[0]} for name, batch in found.items())


def test_an_appended_patient_changes_only_the_last_batch_of_its_hospital() -> None:
    patients = [*members("STO", 25), *members("GOT", 25)]
    before, after = batches(patients), batches([*patients, Patient("STOnew", "STO", "auto", "", 60)])
    assert {name for name in after if after[name] != before.get(name)} == {"STO-1"}
    assert after["STO-1"] == (*before["STO-1"], "STOnew")


def test_an_excluded_patient_leaves_its_own_batch_only() -> None:
    patients = members("STO", 45)
    out = [replace(p, role="exclude", exclusion_reason="motion") if p.row < 4 else p for p in patients]
    before, after = batches(patients), batches(out)
    assert {name for name in before if after[name] != before[name]} == {"STO-0"}
    assert after["STO-0"] == before["STO-0"][2:]


def test_a_batch_of_excluded_patients_alone_is_not_made() -> None:
    assert batches([replace(p, role="exclude") for p in members("STO", 20)] + members("GOT", 1)) == {
        "GOT-0": ("GOTx0",)
    }
