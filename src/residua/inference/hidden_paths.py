"""Leave the folders of files out of what is told of a patient: a folder may bear a person's name."""

from __future__ import annotations

import re
from collections.abc import Mapping

_LETTER = r"[^\s/:;,()\[\]'\"]"
_NO_PATH = r"(?!(?:and|or|either|mm|cm|m|ml|g|kg|n|w)/)"
"""Before a word with a slash that is none of a path: "and/or", "mm/s"."""
_PART = rf"{_LETTER}+(?:(?<!\.gz)(?<!\.[a-z]{{3}})(?<!\.[a-z]{{4}})[ ]+{_NO_PATH}(?!(?:~|\.\.?)/){_LETTER}+)*"
"""A folder, of several words perhaps. A word that ends as a file does is the last of its path; ~ and .. begin one."""
_PATH = re.compile(
    rf"(?<![^\s:;,()\[\]'\"=])(?<!https:)(?<!http:){_NO_PATH}"
    rf"(?P<first>{_LETTER}*)(?P<folders>(?:/{_PART})*)/+(?P<last>{_LETTER}+)"
)
_QUOTED = re.compile(r"(?<!\w)(['\"])[^'\"\n]*/([^'\"/\n]+)/?\1(?!\w)")
_FILE = re.compile(r"\.[A-Za-z]\w*\.?$")


def without_paths(text: str, names: Mapping[str, str]) -> str:
    """Write its name for each file of ``names``, and the last part alone of any other path.

    >>> without_paths("/d/Doe Jane/t1.nii: damaged, see /tmp/Doe Jane/log.txt", {"/d/Doe Jane/t1.nii": "T1w"})
    'T1w: damaged, see log.txt'
    >>> without_paths("x/Doe_Jane/t1.nii.gz is damaged and/or moved 3/4 of 10 mm/s", {})
    't1.nii.gz is damaged and/or moved 3/4 of 10 mm/s'
    """
    for file in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(file, names[file])
    return _PATH.sub(_last, _QUOTED.sub(r"\1\2\1", text))


def _last(found: re.Match[str]) -> str:
    first, folders, last = found["first"], found["folders"], found["last"]
    from_a_root = first in {"", ".", "..", "~"}
    of_folders = folders and " " not in folders and re.search("[A-Za-z]", f"{first}{folders}")
    return last if from_a_root or of_folders or _FILE.search(last) else found[0]
