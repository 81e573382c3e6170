"""The next patient is read, and maps are finished and written, while a patient is predicted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from residua.errors import DamagedStageError
from residua.images.volumes import Grid, Image, load
from residua.networks import prediction
from residua.networks.background import Workers, read_ahead
from residua.networks.cases import PreparedCase
from residua.networks.contract import Output, Predictor
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

    def outputs(self, given: str) -> Iterator[Output]:
        following = PATIENTS.index(given) + 1
        if self.waits and following < len(PATIENTS):
            until(lambda: PATIENTS[following] in self.read_in)
        if given in self.failing:
            raise self.failing[given]
        self.predicted.append(given)
        for _ in range(2):
            yield Output(lambda: self.probability(given), lambda probability: Image(probability, GRID))

    @staticmethod
    def probability(patient: str) -> NDArray[np.float32]:
        return np.full(GRID.shape, (PATIENTS.index(patient) + 1) / 8, np.float32)


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
        with Workers() as writer:
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
        with Workers() as writer:
            writer(fail)
            writer(written.append, "after it")

    written = list[str]()
    with pytest.raises(OSError, match="disk"):
        write_both()
    assert written == []


class Streaming(Predictor):
    """Five models a patient, of whose maps it counts the living; ``slow`` places are finished late."""

    on_card = True

    def __init__(self, slow: tuple[int, ...] = ()) -> None:
        self.slow, self.alive, self.most, self.lock = slow, 0, 0, threading.Lock()
        self.finishers = set[int]()

    def read(self, case: PreparedCase) -> int:
        return PATIENTS.index(case.patient)

    def outputs(self, given: int) -> Iterator[Output]:
        for place in range(5):
            token = Living(self)
            yield Output(partial(self.finished, token, given, place), lambda found: Image(found, GRID))
            del token

    def finished(self, token: Living, given: int, place: int) -> NDArray[np.float32]:
        self.finishers.add(threading.get_ident())
        time.sleep(0.03 if place in self.slow else 0.001)
        return one_of_five(given, place)


class Living:
    """Counts itself as long as it lives."""

    def __init__(self, of: Streaming) -> None:
        self.of = of
        with of.lock:
            of.alive += 1
            of.most = max(of.most, of.alive)

    def __del__(self) -> None:
        with self.of.lock:
            self.of.alive -= 1


def one_of_five(patient: int, place: int) -> NDArray[np.float32]:
    return np.random.default_rng((patient, place)).random(GRID.shape, dtype=np.float32)


@pytest.mark.parametrize("slow", [(), (0,), (1, 3)])
@pytest.mark.parametrize("threads", [2, 4])
def test_maps_finished_by_several_threads_in_any_order_give_the_bits_of_a_loop(
    tmp_path: Path, slow: tuple[int, ...], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    means = dict[str, NDArray[np.float32]]()
    monkeypatch.setattr(
        prediction, "save_probability", lambda image, path: means.update({path.name[:4]: image.data.copy()})
    )
    predictor = Streaming(slow)
    predict_cases(predictor, CASES, tmp_path, ignore, [f"fold{fold}" for fold in range(5)], threads)
    for number, patient in enumerate(PATIENTS):
        total = np.zeros(GRID.shape, dtype=np.float32)
        for place in range(5):
            total += one_of_five(number, place)
        assert np.array_equal(means[patient], total / np.float32(5))
        assert np.array_equal(means[patient], predictor.predict(number).data)
    assert len(predictor.finishers - {threading.get_ident()}) == threads - 1


@pytest.mark.parametrize("threads", [2, 4])
def test_no_more_outputs_live_than_there_are_threads_and_two(tmp_path: Path, threads: int) -> None:
    predictor = Streaming(slow=(0, 1, 2, 3, 4))
    predict_cases(predictor, CASES, tmp_path, ignore, threads=threads)
    assert threads - 1 < predictor.most <= (threads - 1) + 2
    assert predictor.alive == 0


def test_models_that_use_the_threads_themselves_have_one_more_beside_them(tmp_path: Path) -> None:
    predictor = Streaming()
    predictor.on_card = False
    predict_cases(predictor, CASES, tmp_path, ignore, threads=8)
    assert len(predictor.finishers) == 1


@pytest.mark.parametrize("place", [0, 4])
def test_a_map_that_cannot_be_finished_names_its_patient_who_gets_no_mean(tmp_path: Path, place: int) -> None:
    class Failing(Streaming):
        def finished(self, token: Living, given: int, at: int) -> NDArray[np.float32]:
            if (given, at) == (2, place):
                raise MemoryError("no memory")
            return super().finished(token, given, at)

    with pytest.raises(MemoryError, match="no memory") as raised:
        predict_cases(Failing(), CASES, tmp_path, ignore, [f"fold{fold}" for fold in range(5)], threads=4)
    assert raised.value.__notes__ == ["patient STO3"]
    assert not {"STO3.nii.gz", "STO5.nii.gz"} & {path.name for path in tmp_path.glob("*.nii.gz")}
    predict_cases(Streaming(), CASES, tmp_path, ignore, threads=4)
    assert len(list(tmp_path.glob("*.nii.gz"))) == 5


def test_a_model_that_fails_names_its_patient(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="power") as raised:
        predict_cases(Noting(failing={"STO2": RuntimeError("power")}), CASES, tmp_path, ignore)
    assert raised.value.__notes__ == ["patient STO2"]
