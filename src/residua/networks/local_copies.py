"""Copies of a training's data on the disk of its own machine, made and verified while the training runs.

A training opens its files by symbolic links, which lead to the data until the copy of a file is whole, and to the copy
from then on. Copies are named by the digest of their content, so that all trainings on a machine share them; the last
training that needs a copy removes it. What a killed one left is removed by the next.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from residua.errors import ResiduaError
from residua.networks.unchanged import changed, require_unchanged, unreadable
from residua.publishing.publish import digest, read_json, write_json

Say = Callable[[str], None]
_ROOM_LEFT = 2**30
"""Bytes that copies leave to others."""
_CHUNK_BYTES = 1 << 20
_LOCK, _NEEDS, _MARK = "lock", "needs.json", ".copies-of-residua"
_WITHOUT = "data are read from where they lie"


def scratch_folder(setting: str, say: Say) -> Path | None:
    """Return the folder that the setting names on this machine, with its variables; None, with the reason, if none."""
    place = os.path.expandvars(setting)
    if "$" not in place and os.path.isdir(place) and os.access(place, os.W_OK):
        return Path(place)
    say(f"machine.local_scratch is {setting}, and there is no such folder to write to: {_WITHOUT}")
    return None


@contextmanager
def local_copies(scratch: Path, files: Mapping[Path, str], say: Say) -> Iterator[LocalCopies | None]:
    """Yield what copies ``files`` (each with its digest) into ``scratch``; None, with the reason, where it cannot."""
    try:
        copies = LocalCopies(scratch, files, say)
    except OSError as error:
        say(f"{scratch}: {error}: {_WITHOUT}")
        yield None
        return
    try:
        yield copies if copies.has_room() else None
    except ResiduaError as error:
        # The links mean the data, of which alone the user knows.
        raise type(error)(copies.in_terms_of_the_data(str(error))) from error
    finally:
        copies.close()


class LocalCopies:
    """The links and the copies of one training."""

    def __init__(self, scratch: Path, files: Mapping[Path, str], say: Say) -> None:
        """Link every file; copy none yet."""
        self._root, self._say, self._full = _own_root(scratch), say, False
        self._names = {file: f"{content}{''.join(file.suffixes)}" for file, content in files.items()}
        with _alone(self._root / _LOCK):
            self._run = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=self._root / "runs"))
            self._lives = open(self._run / _LOCK, "wb")  # noqa: SIM115 - held until the training ends
            fcntl.lockf(self._lives, fcntl.LOCK_EX)
            write_json(self._run / _NEEDS, sorted(set(self._names.values())))
            self._sweep()
        for file in files:
            self.link(file).parent.mkdir(parents=True, exist_ok=True)
            self.link(file).symlink_to(file.absolute())

    @property
    def _links(self) -> Path:
        return self._run / "links"

    def link(self, file: Path) -> Path:
        """Return the path by which the training opens a file."""
        return self._links / str(file.absolute()).lstrip("/")

    def in_terms_of_the_data(self, text: str) -> str:
        """Return a text that names files instead of their links."""
        return text.replace(str(self._links), "")

    def has_room(self) -> bool:
        """Return whether the disk has room for the files that it lacks; say so where it has not."""
        lacking = {name: file for file, name in self._names.items() if not (self._root / "files" / name).is_file()}
        needed = sum(file.stat().st_size for file in lacking.values()) + _ROOM_LEFT
        free = shutil.disk_usage(self._root).free
        if needed > free:
            self._say(f"{self._root}: {needed / 2**30:.1f} GiB needed and {free / 2**30:.1f} free: {_WITHOUT}")
        return needed <= free

    def fetch(self, file: Path, expected: str) -> None:
        """Copy a file unless its copy is there, and verify it; let its link lead to the copy.

        Raises ``DamagedStageError`` when the file has not the digest that is ``expected``.
        """
        if not self._full:
            try:
                return self._fetch(file, expected)
            except OSError as error:
                self._full = True
                self._say(f"{self._root}: {error}: no more is copied, and {_WITHOUT}")
        require_unchanged(file, expected)

    def _fetch(self, file: Path, expected: str) -> None:
        copy = self._root / "files" / self._names[file]
        with _alone(self._root / "locks" / copy.name):
            if copy.is_file() and digest(copy) != expected:
                copy.unlink()
            if not copy.is_file():
                self._copy(file, expected, copy)
        beside = self.link(file).with_name(f"{file.name}.new")
        beside.symlink_to(copy)
        beside.replace(self.link(file))

    def _copy(self, file: Path, expected: str, copy: Path) -> None:
        if not file.is_file():
            raise changed(file)
        handle, beside = tempfile.mkstemp(dir=self._run)
        try:
            content = hashlib.sha256()
            with open(handle, "wb") as sink:
                for chunk in _chunks(file):
                    content.update(chunk)
                    sink.write(chunk)
            if content.hexdigest() != expected:
                raise changed(file)
            os.replace(beside, copy)
        finally:
            Path(beside).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the links, and the copies that no other training on this machine needs."""
        try:
            with _alone(self._root / _LOCK):
                shutil.rmtree(self._run)
                self._sweep()
        except OSError as error:
            # As where a cleaner was here first. No result needs a copy.
            self._say(f"{self._root}: {error}: copies of data may be left there")
        finally:
            self._lives.close()

    def _sweep(self) -> None:
        """Remove what trainings left that were killed, and the copies that no living one needs."""
        try:
            needed = self._needed()
            for folder in ("files", "locks"):
                for file in (self._root / folder).iterdir():
                    if file.name not in needed:
                        file.unlink()
        except (OSError, ValueError) as error:
            self._say(f"{self._root}: {error}: copies of data that no training needs are left there")

    def _needed(self) -> set[str]:
        """Return the copies that living trainings need; remove what others left."""
        needed: set[str] = set()
        for run in (self._root / "runs").iterdir():
            if run == self._run or _is_held(run / _LOCK):
                needed |= set(read_json(run / _NEEDS))
            else:
                shutil.rmtree(run)
        return needed


def _own_root(scratch: Path) -> Path:
    """Return the folder of this user's copies on this machine, and make it where it is missing.

    Machines may share the disk and not its locks, so that each has a folder of its own. Raises ``OSError`` for one
    that others may have placed: what lies in it is removed one day.
    """
    of_user = scratch / f"residua-{os.getuid()}"
    _require_own(of_user)
    root = of_user / socket.gethostname()
    _require_own(root)
    mark = root / _MARK
    if not mark.exists() and any(root.iterdir()):
        raise PermissionError(errno.EPERM, "the folder holds other things than copies of data", str(root))
    mark.touch()
    for name in ("files", "locks", "runs"):
        _require_own(root / name)
    return root


def _require_own(folder: Path) -> None:
    """Make a folder, or require that the one that is there is a folder, no link, of this user."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "this is a link or a file, and no folder", str(folder))
    if facts.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "the folder belongs to another user", str(folder))


def _chunks(file: Path) -> Iterator[bytes]:
    """Read a file; what fails here says nothing of the disk that takes the copy."""
    try:
        with open(file, "rb") as source:
            while chunk := source.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise unreadable(file, error) from error


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with open(lock, "wb") as stream:
        fcntl.lockf(stream, fcntl.LOCK_EX)
        yield


def _is_held(lock: Path) -> bool:
    try:
        with open(lock, "r+b") as stream:
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
