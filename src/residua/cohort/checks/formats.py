"""Recognise the format of a file that is not NIfTI by its first bytes."""

from __future__ import annotations

from residua.problems.problem import Problem
from residua.problems.severity import problem_of

HEAD_BYTES = 352
"""Bytes that are read of a file: a NIfTI-1 header and the flag of its extensions."""
_LFS = b"version https://git-lfs.github.com/spec/"
_ANNEX = b"/annex/objects/"
_SIGNATURES = (
    (0, b"NRRD", "NRRD"),
    (0, b"\x00\x00\x00\x01", "MGH (FreeSurfer)"),
    (0, b"\x89HDF", "HDF5 or MINC"),
    (0, b"CDF", "MINC"),
    (0, b"ObjectType", "MetaImage"),
    (0, b"PK\x03\x04", "a zip archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"%PDF", "a PDF document"),
)
_CONVERT = "convert it to .nii.gz"
_SIZEOF_HEADER = 348
_MAGIC = slice(344, 348)


def pointer_problem(head: bytes) -> Problem | None:
    """Return the problem that a version control system has not fetched the file; None for other files."""
    if head.startswith(_LFS):
        remedy = "run git lfs pull in the folder of the data"
        return problem_of("file-lfs-pointer", "a git-lfs pointer: the image itself has not been fetched", remedy)
    if head.startswith(_ANNEX):
        return annex_problem()
    return None


def annex_problem() -> Problem:
    """Return the problem that git-annex has not fetched the file."""
    what = "a git-annex pointer: the image itself has not been fetched"
    return problem_of("file-annex-pointer", what, "run git annex get (or datalad get) in the folder of the data")


def foreign_problem(head: bytes, path: str) -> Problem:
    """Return the problem of a file that does not begin as NIfTI does."""
    if head[128:132] == b"DICM":
        what, remedy = "a DICOM file instead of NIfTI", "convert its whole series to .nii.gz, as dcm2niix does"
        return problem_of("file-dicom", what, remedy)
    for start, signature, name in _SIGNATURES:
        if head[start : start + len(signature)] == signature:
            return problem_of("file-other-format", f"{name} instead of NIfTI", _CONVERT)
    if _is_analyze(head):
        what = "Analyze 7.5 instead of NIfTI, or a NIfTI header without its magic number"
        if head[_MAGIC] == b"ni1\0":
            what = "the header of a NIfTI pair (.hdr and .img) instead of a single file"
        return problem_of("file-other-format", what, _CONVERT)
    if path.lower().endswith(".img"):
        return problem_of("file-other-format", "the voxels of a pair (.hdr and .img) instead of NIfTI", _CONVERT)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"{", b"["):
        what = "a web page, XML or JSON instead of NIfTI, as a failed download leaves"
        return problem_of("file-web-page", what, "download it again, logged in if the source asks for it")
    what = "not NIfTI: it does not begin with the header of such a file"
    return problem_of(
        "file-not-nifti", what, "convert the series to NIfTI again, or copy the file again from its source"
    )


def _is_analyze(head: bytes) -> bool:
    sizes = (int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big"))
    return len(head) >= _SIZEOF_HEADER and _SIZEOF_HEADER in sizes and head[_MAGIC] != b"n+1\0"
