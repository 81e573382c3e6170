"""Write files and folders so that no half-written one is ever used as finished.

A single file is written beside its place and renamed. A stage of many files is built in a sibling ``.part`` folder,
held by a lock, and renamed when whole; its ``manifest.json`` holds the digest of every file, and readers verify them.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from residua.errors import DamagedStageError, ResiduaError

MANIFEST = "manifest.json"
HELD = (errno.EACCES, errno.EAGAIN)
"""What says that another process holds a lock; any other error is that of a file system without locks."""
_RESUMES = ".resumes"
_TWIN = ".manifest.json"
"""A copy of the manifest that Snakemake does not know, and so does not delete before it runs a job again."""
_BEGUN = ".writing-"
_CHUNK_BYTES = 1 << 20


def digest(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's content, as hex."""
    computed = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            computed.update(chunk)
    return computed.hexdigest()


@contextmanager
def writing(path: str | os.PathLike[str], suffix: str = "") -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; renamed to ``path`` when the block succeeds, removed when it fails.

    A file that a killed process began to write for ``path`` is removed first.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_begun(target)
    handle, name = tempfile.mkstemp(prefix=f"{_BEGUN}{target.name}.", suffix=suffix, dir=target.parent)
    beside = Path(name)
    try:
        with suppress(OSError):
            # Says that this process lives; unlike lockf's, not lost when a library closes the file.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield beside
        os.chmod(beside, 0o666 & ~_umask())
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
        os.close(handle)


def _remove_begun(target: Path) -> None:
    for begun in target.parent.glob(f"{_BEGUN}{glob.escape(target.name)}.*"):
        # The lock is had unless a living process writes the file, or the file system knows no locks.
        with suppress(OSError), open(begun, "r+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            begun.unlink()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file that is either whole or absent."""
    with writing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], record: Any) -> None:
    """Write JSON with stable key order so that equal content gives equal files."""
    write_text(path, json.dumps(record, indent=1, sort_keys=True) + "\n")


def record_digest(record: Any) -> str:
    """Return the SHA-256 of builtins, the same for equal records in any order of keys."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


@contextmanager
def stage(
    manifest: str | os.PathLike[str], facts: dict[str, Any] | None = None, resumes: str | None = None
) -> Iterator[Path]:
    """Build the folder of ``manifest`` in a ``.part`` sibling and put it in place when the block succeeds.

    The block gets the ``.part`` folder. When the block raises or its process is killed, the folder stays. The next
    try finds it as it was if it gives the same ``resumes`` (a digest of all that the work depends on), and empty
    otherwise. ``facts`` go into the manifest beside the digests.
    Raises ``ResiduaError`` when another process is building the same folder.
    """
    final = Path(manifest).parent
    part = final.with_name(final.name + ".part")
    final.parent.mkdir(parents=True, exist_ok=True)
    with _held(final.with_name(final.name + ".lock"), final):
        _make_resumable(part, resumes)
        yield part
        _write_manifest(part, facts or {}, resumes)
        _put_in_place(part, final)


def republished(manifest: str | os.PathLike[str], resumes: str) -> bool:
    """Return whether the folder of ``manifest`` is whole and was made from ``resumes``; if so, publish it again.

    Work is not repeated when its inputs were made again and are the same. A missing or changed file makes this false,
    so that a damaged folder is rebuilt.
    """
    folder = Path(manifest).parent
    if not (folder / _TWIN).is_file():
        return False
    try:
        record = manifest_of(folder / _TWIN)
        verified(folder / _TWIN)
    except DamagedStageError:
        return False
    if record.get("made_from") != resumes:
        return False
    write_json(manifest, record)
    return True


def _make_resumable(part: Path, resumes: str | None) -> None:
    mark = part / _RESUMES
    if resumes is None or not mark.is_file() or mark.read_text(encoding="utf-8") != resumes:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        if resumes is not None:
            write_text(mark, resumes)
    # A killed process could not remove what it had begun to write.
    for begun in part.rglob(f"{_BEGUN}*"):
        begun.unlink()


@contextmanager
def _held(lock: Path, final: Path) -> Iterator[None]:
    with open(lock, "w", encoding="utf-8") as stream:
        try:
            # Unlike flock, not shared with forked helpers, which may outlive a killed process.
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Without locks: one run at a time works in the folder of a study, and settles what outlived another.
            if error.errno in HELD:
                raise ResiduaError(
                    f"{final}: another process is still building this folder; wait for it or end it, then start again"
                ) from None
        yield


def _write_manifest(folder: Path, facts: dict[str, Any], made_from: str | None) -> None:
    own = (folder / MANIFEST, folder / _TWIN, folder / _RESUMES)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path not in own)
    record = {**facts, "files": {path.relative_to(folder).as_posix(): digest(path) for path in files}}
    if made_from is not None:
        record["made_from"] = made_from
        write_json(folder / _TWIN, record)
    write_json(folder / MANIFEST, record)


def _put_in_place(part: Path, final: Path) -> None:
    old = final.with_name(final.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    part.rename(final)
    (final / _RESUMES).unlink(missing_ok=True)
    shutil.rmtree(old, ignore_errors=True)


def verified(manifest: str | os.PathLike[str], only: Callable[[str], bool] = lambda name: True) -> dict[str, Path]:
    """Return the files of a published folder by name, after checking their digests.

    ``only`` limits both to the names for which it is true.
    Raises ``DamagedStageError`` that names each missing or changed file and the command that rebuilds the folder.
    """
    folder = Path(manifest).parent
    digests = {name: expected for name, expected in manifest_of(manifest)["files"].items() if only(name)}
    damaged = [name for name, expected in digests.items() if not _intact(folder / name, expected)]
    if damaged:
        raise DamagedStageError(
            f"{folder}: {len(damaged)} file(s) missing or changed since they were made: {', '.join(damaged[:5])}. "
            f"{_rebuild(manifest)}"
        )
    return {name: folder / name for name in digests}


def manifest_of(manifest: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the manifest's record: the stage's facts and ``files``, a digest by name."""
    try:
        record: dict[str, Any] = read_json(manifest)
    except OSError as error:
        raise DamagedStageError(f"{manifest}: cannot be read ({error}); run the same snakemake command again") from None
    except ValueError as error:
        raise DamagedStageError(f"{manifest}: cannot be read ({error}). {_rebuild(manifest)}") from None
    if not isinstance(record, dict) or not isinstance(record.get("files"), dict):
        raise DamagedStageError(f"{manifest}: holds no digests. {_rebuild(manifest)}")
    return record


def remaking(file: str | os.PathLike[str]) -> str:
    """Return the command that makes a result again."""
    return f"rm {shlex.quote(str(file))} and run the same snakemake command again"


def _rebuild(manifest: str | os.PathLike[str]) -> str:
    return f"Rebuild with: {remaking(manifest)}"


def _intact(path: Path, expected: str) -> bool:
    return path.is_file() and digest(path) == expected
