"""Open a folder or a zip that a stranger made: no file outside it, none that can run code, none without a bound.

Every name is judged before the first byte is read. Whoever reads a file gets what its entry declares, or an error.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from residua.errors import ResiduaError

MEBIBYTE = 1 << 20
LARGEST: Mapping[str, int] = {".json": 16 * MEBIBYTE, ".md": MEBIBYTE, ".safetensors": 4096 * MEBIBYTE}
"""The kinds of files that a bundle may hold, by suffix, each with the most bytes of one file."""
MOST_FILES = 1000
"""Folders count, too."""
MOST_COMPRESSED = 100
"""Weights hardly compress; a file of 1 MiB or more that shrinks more than this is made to fill a disk."""
_CODE = (".pkl", ".pickle", ".pth", ".pt", ".ckpt", ".joblib", ".npy", ".npz", ".h5", ".hdf5", ".keras", ".py", ".so")
_CHUNK_BYTES = MEBIBYTE


class BundleFiles(Protocol):
    """The files of a bundle, whose names and sizes have been judged."""

    path: Path
    sizes: Mapping[str, int]
    """Bytes by name."""

    def open(self, name: str) -> IO[bytes]:
        """Open one of the files."""


@contextmanager
def opened(path: Path) -> Iterator[BundleFiles]:
    """Open a bundle that lies in a folder or in a zip. Raises ``ResiduaError`` for one that is unsafe or damaged."""
    if folder := _folder_at(path):
        yield folder
        return
    try:
        with zipfile.ZipFile(path) as archive:
            yield _Zip(path, archive)
    except OSError as error:
        raise _unreadable(path, error) from None
    except zipfile.BadZipFile as error:
        raise unusable(path, f"is no folder and no whole zip ({error})") from None
    except (zlib.error, EOFError, NotImplementedError) as error:
        raise unusable(path, f"cannot be unpacked ({error})") from None


def unusable(path: Path, what: str) -> ResiduaError:
    """Return the error for a bundle that was damaged, or made by something else."""
    return ResiduaError(f"{path}: {what}; nothing was read from it. Get the bundle again from whoever made it")


def digest_in(container: BundleFiles, name: str) -> str:
    """Return the SHA-256 of a file, as hex."""
    computed = sha256()
    with container.open(name) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            computed.update(chunk)
    return computed.hexdigest()


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        found = _listed(path)
        for name in found:
            _require_known(path, name, found[name].st_mode)
        self.sizes: Mapping[str, int] = {name: stated.st_size for name, stated in found.items()}
        _require_bounded(path, self.sizes)

    def open(self, name: str) -> IO[bytes]:
        try:
            # A link that was put in place since the listing is not followed.
            return os.fdopen(os.open(self.path / name, os.O_RDONLY | os.O_NOFOLLOW), "rb")
        except OSError as error:
            raise unusable(self.path, f"{name} cannot be read ({error.strerror})") from None


def _folder_at(path: Path) -> _Folder | None:
    try:
        return _Folder(path) if path.is_dir() else None
    except OSError as error:
        raise _unreadable(path, error) from None


def _listed(path: Path) -> dict[str, os.stat_result]:
    """Return by name all files below a folder, as the disk describes them; none is opened."""
    found, folders, seen = {}, [""], 0
    while folders:
        below = folders.pop()
        with os.scandir(path / below) as entries:
            for entry in entries:
                seen += 1
                if seen > MOST_FILES:
                    raise _too_many(path)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{below}{entry.name}/")
                else:
                    found[f"{below}{entry.name}"] = entry.stat(follow_symlinks=False)
    return dict(sorted(found.items()))


class _Zip:
    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path, self._archive = path, archive
        entries = archive.infolist()
        if len(entries) > MOST_FILES:
            raise _too_many(path)
        for entry in entries:
            _require_inside(path, entry.orig_filename)
        files = [entry for entry in entries if not entry.is_dir()]
        for entry in files:
            _require_known(path, entry.orig_filename, entry.external_attr >> 16)
            self._require_plain(entry)
        self.sizes: Mapping[str, int] = {entry.filename: entry.file_size for entry in files}
        if len(self.sizes) < len(files):
            raise unusable(path, "holds two files of the same name")
        if sum(entry.compress_size for entry in files) > path.stat().st_size:
            raise unusable(path, "holds files that share their bytes, as a zip does that is made to fill a disk")
        _require_bounded(path, self.sizes)

    def open(self, name: str) -> IO[bytes]:
        # zipfile ends at the declared size, and compares the checksum there.
        return self._archive.open(name)

    def _require_plain(self, entry: zipfile.ZipInfo) -> None:
        if entry.flag_bits & 1:
            raise unusable(self.path, f"{entry.filename} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise unusable(self.path, f"{entry.filename} is compressed in another way than deflate")
        if entry.file_size >= MEBIBYTE and entry.file_size > MOST_COMPRESSED * entry.compress_size:
            what = f"{entry.filename} would grow to {_mebibytes(entry.file_size)} from {entry.compress_size} bytes"
            raise unusable(self.path, f"{what}, as in a zip that is made to fill a disk")


def _require_inside(path: Path, name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if not name or parts[0] == "" or ".." in parts or ":" in parts[0] or "\0" in name:
        raise unusable(path, f"names a file outside its folder ({name!r})")


def _require_known(path: Path, name: str, mode: int) -> None:
    suffix = PurePosixPath(name).suffix.lower()
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise unusable(path, f"{name} is a link or a device; a bundle holds plain files only")
    if suffix in _CODE:
        raise unusable(path, f"{name} is of a kind that can run code when it is loaded; weights must be safetensors")
    if suffix not in LARGEST:
        raise unusable(path, f"{name} is not a file of a bundle (these end in {', '.join(LARGEST)})")


def _require_bounded(path: Path, sizes: Mapping[str, int]) -> None:
    for name, size in sizes.items():
        most = LARGEST[PurePosixPath(name).suffix.lower()]
        if size > most:
            raise unusable(path, f"{name} has {_mebibytes(size)}; such a file has at most {_mebibytes(most)}")


def _too_many(path: Path) -> ResiduaError:
    return unusable(path, f"holds more than {MOST_FILES} files and folders, far more than a bundle")


def _unreadable(path: Path, error: OSError) -> ResiduaError:
    return ResiduaError(f"{path}: cannot be read ({error.strerror or error}); give a bundle")


def _mebibytes(size: int) -> str:
    return f"{size / MEBIBYTE:,.0f} MiB"
