"""Read YAML that a person wrote: a key that stands twice, or a file that is something else, is one clear message."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from residua.errors import ResiduaError

_DEEPEST = 32
"""No settings are nested as deeply; PyYAML fails beyond Python's own limit, with a traceback."""
_CONFIGFILE = ("--configfile", "--configfiles")
_MERGE = "tag:yaml.org,2002:merge"


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file as ``parsed_yaml`` does; raise ``ResiduaError`` when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ResiduaError(f"{path}: cannot be read ({error.strerror}): correct the path") from None
    except UnicodeDecodeError:
        raise ResiduaError(f"{path}: cannot be read as YAML (it is not UTF-8 text): is it another file?") from None
    return parsed_yaml(text, str(path))


def read_settings(path: Path) -> dict[str, Any]:
    """Return the sections of a configuration file; raise ``ResiduaError`` for one that holds none."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ResiduaError(f"{path}: contains no settings; see docs/reference/config.md for the keys of a study")
    return content


def require_readable(arguments: Sequence[str]) -> None:
    """Exit with a message for a file after ``--configfile`` among a command's arguments that ``read_yaml`` refuses.

    Snakemake reads these files before it reads the Snakefile, and shows a traceback for one that it cannot read. The
    default profile calls this, which Snakemake reads before that.
    """
    try:
        for path in _configfiles(arguments):
            read_yaml(Path(path))
    except ResiduaError as error:
        sys.exit(f"\n{error}\n")


def _configfiles(arguments: Sequence[str]) -> Iterator[str]:
    taken = False
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if option in _CONFIGFILE and equals:
            yield value
        elif taken and not argument.startswith("-"):
            yield argument
            continue
        taken = argument in _CONFIGFILE


def parsed_yaml(text: str, name: str) -> Any:
    """Return the content of a YAML text, which messages call ``name``.

    Raises ``ResiduaError`` with the line where the text is no YAML, or with every key that stands twice in one place:
    YAML itself takes the last of them without a word.

    >>> parsed_yaml("folds: {0: [STO], 1: [GOT]}", "my.yaml")
    {'folds': {0: ['STO'], 1: ['GOT']}}
    """
    try:
        _require_shallow(text, name)
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        repeated = [] if root is None else list(_repeated_keys(root, "", set()))
        if repeated:
            raise ResiduaError("\n".join(f"{name}: {problem}: delete all but one" for problem in repeated))
        return None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise ResiduaError(f"{name}: cannot be read as YAML ({where}{error.problem or error.context})") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ResiduaError(f"{name}: cannot be read as YAML ({' '.join(str(error).split())})") from None


def _require_shallow(text: str, name: str) -> None:
    depth = 0
    # Events come without recursion, unlike nodes.
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise ResiduaError(f"{name}: line {line}: brackets or levels are nested more than {_DEEPEST} deep")


def _repeated_keys(node: yaml.Node, place: str, seen: set[int]) -> Iterator[str]:
    """Yield every key that stands twice in a mapping; keys that read alike (0 and "0") are one key of the settings."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item, place, seen)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, list[int]] = {}
        for key, _ in node.value:
            lines.setdefault(_read_as(key), []).append(key.start_mark.line + 1)
        for key, at in lines.items():
            if len(at) > 1:
                shown = ", ".join(map(str, at[:-1]))
                yield f"the key {place}{key} stands {len(at)} times, in lines {shown} and {at[-1]}"
        for key, value in node.value:
            yield from _repeated_keys(value, f"{place}{_read_as(key)}.", seen)


def _read_as(key: yaml.Node) -> str:
    if key.tag == _MERGE:
        return "<<"
    if not isinstance(key, yaml.ScalarNode):
        return f"in line {key.start_mark.line + 1}, column {key.start_mark.column + 1}"
    return str(yaml.SafeLoader("").construct_object(key))
