"""The data of a training are verified beside it and copied to the disk of its machine; real files and processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from attempts import wait_until
from residua.errors import DamagedStageError, ResiduaError
from residua.networks import local_copies
from residua.networks.cases import Channel, PreparedCase, TrainingSet
from residua.networks.training_data import data_beside
from residua.networks.unchanged import require_unchanged
from residua.networks.unfinished import LeftError
from residua.networks.verification import verified_beside
from residua.publishing.publish import write_text

PATIENTS = ("STO1", "STO2", "GOT1")
JOB = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_training_data import made
from residua.networks.training_data import data_beside

folder, scratch = Path(sys.argv[1]), sys.argv[2]
data, files = made(folder / "data", sys.argv[4:])
out = folder / f"{'-'.join(sys.argv[4:])}"
out.mkdir()
with data_beside(data, files, out, scratch, print) as (near, watched):
    (folder / f"begun-{out.name}").touch()
    time.sleep(600)
"""


def made(folder: Path, patients: Any = PATIENTS) -> tuple[TrainingSet, dict[Path, str]]:
    """Files of one channel and a reference standard, each of other content, and their digests."""
    cases, references, files = {}, {}, {}
    for patient in patients:
        for channel in ("post_t1ce", "residual"):
            file = folder / channel / "batch" / f"{patient}.npz"
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                file.write_bytes(f"{channel} of {patient}".encode() * 1000)
            files[file] = sha256(f"{channel} of {patient}".encode() * 1000).hexdigest()
        cases[patient] = PreparedCase(patient, (folder / "post_t1ce" / "batch" / f"{patient}.npz",))
        references[patient] = folder / "residual" / "batch" / f"{patient}.npz"
    return TrainingSet((Channel("post_t1ce", False),), cases, references, tuple(patients), ()), files


def files_of(data: TrainingSet, patient: str) -> tuple[Path, ...]:
    return (*data.cases[patient].channels, data.references[patient])


def content(folder: Path) -> dict[str, str]:
    return {file.relative_to(folder).as_posix(): file.read_text() for file in folder.rglob("*") if file.is_file()}


class Gate:
    """Verifies when it is told to."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def __call__(self, file: Path, expected: str) -> None:
        self.opened.wait()
        require_unchanged(file, expected)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """The folder of an unfinished training."""
    folder = tmp_path / "fold0.part"
    (folder / "below").mkdir(parents=True)
    write_text(folder / "checkpoint", "of epoch 7")
    write_text(folder / "below" / "mark", "made from")
    return folder


def test_a_training_begins_before_its_data_are_verified_and_ends_only_after(tmp_path: Path, part: Path) -> None:
    _, files = made(tmp_path)
    gate, seen = Gate(), list[str]()

    def train() -> None:
        with verified_beside(files, part, gate):
            write_text(part / "checkpoint", "of epoch 8")
            seen.append("begun")
        seen.append("ended")

    training = threading.Thread(target=train)
    training.start()
    wait_until(lambda: seen)
    training.join(0.1)
    assert seen == ["begun"]
    gate.opened.set()
    training.join()
    assert seen == ["begun", "ended"]
    assert content(part) == {"checkpoint": "of epoch 8", "below/mark": "made from"}


@pytest.mark.parametrize("damage", [lambda file: file.write_text("other"), lambda file: file.unlink()])
def test_a_damaged_file_ends_the_training_and_what_it_learned_from_it_is_gone(
    damage: Callable[[Path], Any], tmp_path: Path, part: Path
) -> None:
    data, files = made(tmp_path)
    damage(data.references["STO2"])
    before, gate, epochs = content(part), Gate(), list[int]()

    def train() -> None:
        with verified_beside(files, part, gate) as verification:
            progress = verification.watched(lambda done, total: epochs.append(done))
            for epoch in range(7, 100_000):
                progress(epoch, 100_000)
                write_text(part / "checkpoint", f"of epoch {epoch}")
                write_text(part / f"checkpoint-{epoch}", "new")
                gate.opened.set()

    with pytest.raises(DamagedStageError, match=r"residual/batch/STO2\.npz: missing or changed since it was made"):
        train()
    assert 1 <= len(epochs) < 99_000
    assert content(part) == before


def test_damage_is_told_rather_than_what_it_led_to(tmp_path: Path, part: Path) -> None:
    data, files = made(tmp_path)
    data.references["STO2"].write_text("other")

    def train() -> None:
        with verified_beside(files, part, require_unchanged) as verification:
            wait_until(lambda: any(each.done() and each.exception() for each in verification._running))
            raise ResiduaError("the training has diverged")

    with pytest.raises(DamagedStageError, match="STO2"):
        train()


def interrupted(files: dict[Path, str], part: Path, verify: Callable[[Path, str], None], epoch: int) -> None:
    """A training that is killed before all its data are verified."""
    child = os.fork()
    if child == 0:
        with verified_beside(files, part, verify):
            wait_until(lambda: noted(part) == {file for file in files if file.parent.parent.name == "post_t1ce"})
            write_text(part / "checkpoint", f"of epoch {epoch}")
            write_text(part / "curve", "new")
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def noted(part: Path) -> set[Path]:
    file = part / ".before-verification" / "verified"
    return {Path(line.strip('"')) for line in file.read_text().splitlines()} if file.exists() else set()


def no_reference(file: Path, expected: str) -> None:
    """Verifies channels; the references take longer than the process lives."""
    if file.parent.parent.name == "residual":
        time.sleep(600)
    require_unchanged(file, expected)


@pytest.fixture
def four_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many files are verified at a time."""
    monkeypatch.setenv("OMP_NUM_THREADS", "4")


@pytest.mark.usefixtures("four_threads")
def test_trainings_that_are_interrupted_before_all_is_verified_go_on_and_verify_only_the_rest(
    tmp_path: Path, part: Path
) -> None:
    _, files = made(tmp_path)
    for epoch in (8, 9, 10):
        interrupted(files, part, no_reference, epoch)
        assert (part / "checkpoint").read_text() == f"of epoch {epoch}"
    read, said = list[str](), list[str]()

    def verify(file: Path, expected: str) -> None:
        read.append(file.parent.parent.name)
        require_unchanged(file, expected)

    with verified_beside(files, part, verify, said.append):
        assert (part / "checkpoint").read_text() == "of epoch 10"
    assert (read, said) == (["residual"] * len(PATIENTS), [])
    assert content(part) == {"checkpoint": "of epoch 10", "curve": "new", "below/mark": "made from"}


@pytest.mark.usefixtures("four_threads")
def test_where_data_are_copied_each_is_verified_again_and_those_that_were_not_come_first(
    tmp_path: Path, part: Path
) -> None:
    _, files = made(tmp_path)
    interrupted(files, part, no_reference, 8)
    read: list[str] = []
    with verified_beside(files, part, lambda file, expected: read.append(file.parent.parent.name), each=True):
        pass
    assert sorted(read) == ["post_t1ce"] * len(PATIENTS) + ["residual"] * len(PATIENTS)
    assert content(part)["checkpoint"] == "of epoch 8"


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize("again", ["damaged", "rebuilt"])
@pytest.mark.parametrize("channel", ["post_t1ce", "residual"])
def test_what_an_interrupted_training_may_have_learned_of_a_damaged_file_is_gone(
    again: str, channel: str, tmp_path: Path, part: Path
) -> None:
    _, files = made(tmp_path)
    file = tmp_path / channel / "batch" / "STO2.npz"
    before, sound = content(part), file.read_bytes()
    if channel == "residual":
        file.write_bytes(b"damaged, and read by the training")
    interrupted(files, part, no_reference, 8)
    said: list[str] = []
    if again == "rebuilt":
        file.unlink()
        write_text(file, sound.decode())
        with verified_beside(files, part, require_unchanged, said.append):
            assert (part / "checkpoint").read_text() == "of epoch 7"
        assert said[0].startswith(f"{file}: was written again since this training, which was interrupted before")
    else:
        if channel == "post_t1ce":
            file.write_bytes(b"damaged since")
        with pytest.raises(DamagedStageError, match="STO2"), verified_beside(files, part, require_unchanged, print):
            pass
    assert content(part) == before


# The memory of a process has no byte at its beginning: a read error as of a failing disk.
UNREADABLE = Path("/proc/self/mem")


@pytest.mark.parametrize("scratch", [False, True])
def test_a_file_that_cannot_be_read_ends_a_training_which_loses_nothing(
    scratch: bool, tmp_path: Path, part: Path
) -> None:
    data, files = made(tmp_path)
    said: list[str] = []
    what = r"^/proc/self/mem: cannot be read \(Input/output error, errno 5\)\. See whether the disk or the server"

    def train() -> None:
        with data_beside(data, {**files, UNREADABLE: "0"}, part, str(tmp_path) if scratch else None, said.append):
            write_text(part / "checkpoint", "of epoch 8")

    with pytest.raises(ResiduaError, match=what):
        train()
    # Nothing is wrong with the disk that takes the copies.
    assert said == []
    with verified_beside(files, part, require_unchanged):
        pass
    assert content(part)["checkpoint"] == "of epoch 8"


def test_one_that_is_terminated_before_its_network_listens_leaves_with_a_sentence(tmp_path: Path, part: Path) -> None:
    data, files = made(tmp_path)

    def train() -> None:
        with data_beside(data, files, part, None, print):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)

    with pytest.raises(
        LeftError, match=r"^SIGTERM asked the training to leave; .* it goes on from its last checkpoint$"
    ):
        train()
    (part / "checkpoint").unlink()
    with pytest.raises(LeftError, match=r"it goes on from the beginning$"):
        train()


def test_an_error_of_the_training_leaves_what_verified_data_taught(tmp_path: Path, part: Path) -> None:
    _, files = made(tmp_path)

    def train() -> None:
        with verified_beside(files, part, require_unchanged) as verification:
            verification.finish()
            write_text(part / "checkpoint", "of epoch 8")
            raise ResiduaError("no room")

    with pytest.raises(ResiduaError, match="no room"):
        train()
    with verified_beside(files, part, require_unchanged):
        assert (part / "checkpoint").read_text() == "of epoch 8"


def test_a_training_reads_its_data_until_their_copies_are_whole_and_then_the_copies(tmp_path: Path) -> None:
    data, files = made(tmp_path / "data")
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    out.mkdir()
    with data_beside(data, files, out, str(scratch), print) as (near, _):
        paths = [file for patient in PATIENTS for file in files_of(near, patient)]
        assert [file.read_bytes() for file in paths] == [file.read_bytes() for file in files]
        assert [file.name for file in paths] == [file.name for file in files]
        wait_until(lambda: all(scratch in file.resolve().parents for file in paths))
        assert [file.read_bytes() for file in paths] == [file.read_bytes() for file in files]
        assert len(list(scratch.glob("residua-*/*/files/*.npz"))) == len(files)
    left = {file.name for file in scratch.rglob("*") if file.is_file() or file.is_symlink()}
    assert left == {"lock", ".copies-of-residua"}
    assert content(out) == {}


def test_damaged_data_are_never_copied_and_errors_name_the_data_and_not_a_link(tmp_path: Path) -> None:
    data, files = made(tmp_path / "data")
    data.references["STO2"].write_text("other")
    channel = data.cases["STO1"].channels[0]

    def train(read: dict[Path, str], what: str | None) -> None:
        with data_beside(data, read, tmp_path, str(tmp_path), print) as (near, _):
            if what:
                raise ResiduaError(f"{near.cases['STO1'].channels[0]}: {what}")

    with pytest.raises(DamagedStageError) as raised:
        train(files, None)
    assert str(raised.value).startswith(f"{data.references['STO2']}: missing or changed since it was made")
    with pytest.raises(ResiduaError) as raised_by_the_training:
        train({}, "cannot be read")
    assert str(raised_by_the_training.value) == f"{channel}: cannot be read"


@pytest.mark.parametrize("setting", ["$RESIDUA_NO_SUCH_VARIABLE/x", "no/such/folder"])
def test_without_the_folder_data_are_read_from_where_they_lie(setting: str, tmp_path: Path) -> None:
    data, files = made(tmp_path / "data")
    said: list[str] = []
    with data_beside(data, files, tmp_path, setting, said.append) as (near, _):
        assert near == data
    without = "there is no such folder to write to: data are read from where they lie"
    assert said == [f"machine.local_scratch is {setting}, and {without}"]


def test_a_disk_without_room_is_told_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, files = made(tmp_path / "data")
    said: list[str] = []
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(local_copies, "_ROOM_LEFT", 2**60)
    with data_beside(data, files, tmp_path / "data", "$TMPDIR", said.append) as (near, _):
        assert near == data
    (line,) = said
    assert line.startswith(f"{tmp_path}/residua-")
    assert "GiB needed and " in line
    assert line.endswith(" free: data are read from where they lie")


def test_a_disk_that_runs_full_costs_copies_and_no_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, files = made(tmp_path / "data")
    data.references["GOT1"].write_bytes(b"changed")
    said: list[str] = []
    # No file of this process may grow further, as on a full disk.
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def train() -> None:
        with data_beside(data, files, tmp_path / "data", str(tmp_path), said.append) as (near, _):
            assert near.references["STO1"].read_bytes() == data.references["STO1"].read_bytes()

    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**13, limits[1]))
        with pytest.raises(DamagedStageError, match=r"GOT1\.npz: missing or changed"):
            train()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert len(said) == 1
    assert said[0].endswith("File too large: no more is copied, and data are read from where they lie")
    assert not [file for file in tmp_path.rglob("*.npz") if "residua-" in str(file) and not file.is_symlink()]


class Trainings:
    """Trainings in processes of their own, by the patients whom they need."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.scratch, self.running = folder, folder / "scratch", dict[str, subprocess.Popen[bytes]]()
        self.scratch.mkdir()

    def start(self, *patients: str) -> None:
        name, here = "-".join(patients), str(Path(__file__).parent)
        path = os.pathsep.join(sys.path)
        arguments = [sys.executable, "-c", JOB, self.folder, self.scratch, here, *patients]
        self.running[name] = subprocess.Popen(arguments, env={**os.environ, "PYTHONPATH": path})
        wait_until((self.folder / f"begun-{name}").exists)

    def end(self, name: str, by: signal.Signals) -> int:
        self.running[name].send_signal(by)
        return self.running[name].wait()

    def copies(self) -> set[str]:
        named = {digest: file.stem for file, digest in made(self.folder / "data")[1].items()}
        return {named[file.name.split(".")[0]] for file in self.scratch.glob("residua-*/*/files/*")}


@pytest.fixture
def trainings(tmp_path: Path) -> Iterator[Trainings]:
    """Trainings that share a disk."""
    made(tmp_path / "data")
    started = Trainings(tmp_path)
    yield started
    for name in started.running:
        started.end(name, signal.SIGKILL)


def test_trainings_share_copies_and_the_last_that_needs_one_removes_it_however_others_ended(
    trainings: Trainings,
) -> None:
    trainings.start("STO1", "STO2")
    trainings.start("STO2", "GOT1")
    wait_until(lambda: len(list(trainings.scratch.glob("residua-*/*/files/*"))) == 6)
    assert trainings.end("STO1-STO2", signal.SIGTERM) == 1
    assert trainings.copies() == {"STO2", "GOT1"}
    trainings.end("STO2-GOT1", signal.SIGKILL)
    assert trainings.copies() == {"STO2", "GOT1"}
    trainings.start("STO1")
    wait_until(lambda: trainings.copies() == {"STO1"})
    assert len(list(trainings.scratch.glob("residua-*/*/runs/*"))) == 1


def test_a_copy_that_was_damaged_since_is_made_again(trainings: Trainings, tmp_path: Path) -> None:
    trainings.start("STO1")
    wait_until(lambda: len(list(trainings.scratch.glob("residua-*/*/files/*"))) == 2)
    copy = next(trainings.scratch.glob("residua-*/*/files/*"))
    copy.write_text("other")
    data, files = made(tmp_path / "data", ["STO1"])
    out = tmp_path / "mine"
    out.mkdir()
    with data_beside(data, files, out, str(trainings.scratch), print) as (near, _):
        wait_until(lambda: all(trainings.scratch in file.resolve().parents for file in files_of(near, "STO1")))
        for link, file in zip(files_of(near, "STO1"), files_of(data, "STO1"), strict=True):
            assert link.read_bytes() == file.read_bytes()


def kept_elsewhere(folder: Path) -> Path:
    """A folder with a file that is none of Residua's, laid out like that of the copies."""
    for name in ("files", "locks", "runs/other"):
        (folder / name).mkdir(parents=True)
        (folder / name / "precious").write_text("mine")
    return folder


@pytest.mark.parametrize("below", [".", "HOST", "HOST/files"])
@pytest.mark.parametrize("linked", [True, False])
def test_nothing_is_removed_in_a_folder_that_others_placed(below: str, linked: bool, tmp_path: Path) -> None:
    data, files = made(tmp_path / "data")
    place = tmp_path / "scratch" / f"residua-{os.getuid()}" / below.replace("HOST", socket.gethostname())
    place.parent.mkdir(parents=True)
    root = place.parent if below == "HOST/files" else place
    precious = kept_elsewhere(tmp_path / "elsewhere" if linked else root if below != "." else root / "x")
    if linked:
        place.symlink_to(precious)
    if linked and below == "HOST/files":
        (root / ".copies-of-residua").touch()
    before, said = content(precious), list[str]()
    with data_beside(data, files, tmp_path / "data", str(tmp_path / "scratch"), said.append) as (near, _):
        if below != "." or linked:
            assert near == data
    assert before.items() <= content(precious).items()
    if below != "." or linked:
        assert len(said) == 1
        assert said[0].endswith("data are read from where they lie")
        assert ("this is a link" if linked else "other things than copies") in said[0]


def test_copies_of_another_machine_on_the_same_disk_are_left_though_its_locks_are_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, files = made(tmp_path / "data")
    monkeypatch.setattr(socket, "gethostname", lambda: "node-a")
    with data_beside(data, files, tmp_path / "data", str(tmp_path), print):
        wait_until(lambda: len(list(tmp_path.glob("residua-*/node-a/files/*"))) == len(files))
        monkeypatch.setattr(socket, "gethostname", lambda: "node-b")
        monkeypatch.setattr(local_copies, "_is_held", lambda lock: False)
        out = tmp_path / "out"
        out.mkdir()
        with data_beside(data, files, out, str(tmp_path), print):
            pass
        assert len(list(tmp_path.glob("residua-*/node-a/files/*"))) == len(files)
        assert len(list(tmp_path.glob("residua-*/node-a/runs/*"))) == 1


@pytest.mark.parametrize("cleaned", ["residua-*", "residua-*/*/lock", "residua-*/*/runs/*/links"])
def test_a_cleaner_of_the_scratch_folder_fails_no_finished_training(cleaned: str, tmp_path: Path) -> None:
    data, files = made(tmp_path / "data")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with data_beside(data, files, tmp_path / "data", str(scratch), print):
        wait_until(lambda: len(list(scratch.glob("residua-*/*/files/*"))) == len(files))
        (found,) = scratch.glob(cleaned)
        shutil.rmtree(found) if found.is_dir() else found.unlink()


def test_a_damaged_note_of_what_another_training_needs_fails_none(trainings: Trainings, tmp_path: Path) -> None:
    trainings.start("STO1")
    wait_until(lambda: len(list(trainings.scratch.glob("residua-*/*/files/*"))) == 2)
    for needs in trainings.scratch.glob("residua-*/*/runs/*/needs.json"):
        needs.write_text("{")
    data, files = made(tmp_path / "data")
    said: list[str] = []
    with data_beside(data, files, tmp_path / "data", str(trainings.scratch), said.append):
        pass
    assert said
    assert all(line.endswith("copies of data that no training needs are left there") for line in said)
    assert trainings.copies() >= {"STO1"}
