"""The next patient is read and the last one written while a patient is predicted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from residua.errors import DamagedStageError
from residua.images.volumes import Grid, Image, load
from residua.networks import prediction
from residua.networks.background import Writer, read_ahead
from residua.networks.cases import PreparedCase
from residua.networks.contract import Member, Predictor
from residua.networks.prediction import predict_cases

GRID = Grid((3, 3, 3), np.eye(4))
CASES = [PreparedCase(f"STO{number}", (Path(f"{number}.b2nd"),)) for number in range(1, 6)]
PATIENTS = [case.patient for case in CASES]


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def ignore(done: int, total: int) -> None:
    """No progress is shown."""


class Noting(Predictor):
    """Notes what it reads and predicts; a patient of ``unreadable`` cannot be read, one of ``failing`` predicted."""

    waits = False
    """Whether it predicts only once the next patient has been read."""

    def __init__(self, unreadable: tuple[str, ...] = (), failing: dict[str, BaseException] | None = None) -> None:
        self.unreadable, self.failing = unreadable, failing or {}
        self.read_in, self.predicted = dict[str, int](), list[str]()

    def read(self, case: PreparedCase) -> str:
        self.read_in[case.patient] = threading.get_ident()
        if case.patient in self.unreadable:
            raise DamagedStageError(f"{case.patient} is damaged")
        return case.patient

    def predict(self, given: str, member: Member | None = None) -> Image:
        following = PATIENTS.index(given) + 1
        if self.waits and following < len(PATIENTS):
            until(lambda: PATIENTS[following] in self.read_in)
        if given in self.failing:
            raise self.failing[given]
        self.predicted.append(given)
        for place in range(2 if member else 0):
            if member:
                member(place, self.image(given))
        return self.image(given)

    @staticmethod
    def image(patient: str) -> Image:
        return Image(np.full(GRID.shape, (PATIENTS.index(patient) + 1) / 8, np.float32), GRID)


def test_each_item_comes_in_order_and_no_more_than_one_is_read_ahead() -> None:
    read = list[int]()
    seen = []
    for number, future in enumerate(read_ahead(lambda item: read.append(item) or 10 * item, range(6))):
        seen.append(future.result())
        until(lambda number=number: len(read) == min(number + 2, 6))  # type: ignore[misc]
        time.sleep(0.02)
        assert read == list(range(min(number + 2, 6)))
    assert seen == [0, 10, 20, 30, 40, 50]


@pytest.mark.parametrize("items", [[], [7]])
def test_none_and_one_are_read(items: list[int]) -> None:
    assert [future.result() for future in read_ahead(str, items)] == [str(item) for item in items]


def test_the_next_patient_is_read_in_another_thread_while_one_is_predicted(tmp_path: Path) -> None:
    predictor = Noting()
    predictor.waits = True
    predict_cases(predictor, CASES, tmp_path, ignore, members=["fold0", "fold1"])
    assert predictor.predicted == PATIENTS
    assert list(predictor.read_in) == PATIENTS
    assert threading.get_ident() not in predictor.read_in.values()
    for number, patient in enumerate(PATIENTS, start=1):
        assert load(tmp_path / f"{patient}.nii.gz").data == pytest.approx(number / 8)
        assert load(tmp_path / f"members/fold1/{patient}.nii.gz").data == pytest.approx(number / 8)


def test_a_patient_who_cannot_be_read_is_named_after_the_others_were_predicted(tmp_path: Path) -> None:
    predictor, told = Noting(unreadable=("STO1", "STO4")), list[tuple[int, int]]()
    with pytest.raises(DamagedStageError, match="STO1 is damaged"):
        predict_cases(predictor, CASES, tmp_path, lambda done, total: told.append((done, total)))
    assert predictor.predicted == ["STO2", "STO3", "STO5"]
    assert sorted(path.name[:4] for path in tmp_path.iterdir()) == ["STO2", "STO3", "STO5"]
    assert told[-1] == (4, 5)
    again = Noting()
    predict_cases(again, CASES, tmp_path, ignore)
    assert again.predicted == ["STO1", "STO4"]
    assert list(again.read_in) == ["STO1", "STO4"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("power")])
def test_an_interrupted_prediction_has_written_the_patients_before(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        predict_cases(Noting(failing={"STO3": error}), CASES, tmp_path, ignore, members=["fold0", "fold1"])
    assert sorted(path.name[:4] for path in tmp_path.glob("*.nii.gz")) == ["STO1", "STO2"]
    assert not list(tmp_path.rglob(".writing-*"))
    again = Noting()
    predict_cases(again, CASES, tmp_path, ignore, members=["fold0", "fold1"])
    assert again.predicted == ["STO3", "STO4", "STO5"]


def test_a_patient_with_a_map_that_could_not_be_written_does_not_count_as_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(probability: Image, path: Path) -> None:
        if path.name.startswith("STO2"):
            raise OSError("No space left on device")
        save(probability, path)

    save = prediction.save_member
    monkeypatch.setattr(prediction, "save_member", full)
    with pytest.raises(OSError, match="No space left"):
        predict_cases(Noting(), CASES, tmp_path, ignore, members=["fold0", "fold1"])
    assert [path.name for path in tmp_path.glob("*.nii.gz")] == ["STO1.nii.gz"]


def test_what_waits_to_be_written_is_bounded_and_keeps_its_order() -> None:
    written, asked = list[int](), list[int]()
    held = threading.Event()

    def write(number: int) -> None:
        held.wait(20)
        written.append(number)

    def ask() -> None:
        with Writer() as writer:
            for number in range(6):
                writer(write, number)
                asked.append(number)

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: len(asked) == 2)
    time.sleep(0.05)
    assert asked == [0, 1]
    held.set()
    thread.join(20)
    assert written == list(range(6))


def test_the_last_write_is_waited_for_and_its_error_raised() -> None:
    def fail() -> None:
        time.sleep(0.05)
        raise OSError("disk")

    def write_both() -> None:
        with Writer() as writer:
            writer(fail)
            writer(written.append, "after it")

    written = list[str]()
    with pytest.raises(OSError, match="disk"):
        write_both()
    assert written == []
