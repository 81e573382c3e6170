"""YAML that a person wrote: read strictly, and refused with a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from residua.cluster.settings import load_cluster
from residua.errors import ResiduaError
from residua.settings.yaml_file import parsed_yaml, read_yaml, require_readable
from residua.simulate.design import load_design

HOUSE = Path(__file__).parents[2]


def refusal(text: str) -> str:
    with pytest.raises(ResiduaError) as error:
        parsed_yaml(text, "my.yaml")
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 2\na: 3\n", ["the key a stands 2 times, in lines 1 and 3"]),
        ("inputs:\n  A: [x]\n  B: [y]\n  A: [z]\n", ["the key inputs.A stands 2 times, in lines 2 and 4"]),
        # The settings take 0 and "0" for one fold.
        ("folds:\n  0: [A]\n  '0': [B]\n", ["the key folds.0 stands 2 times, in lines 2 and 3"]),
        ('{"a": 1,\n "a": 2}', ["the key a stands 2 times, in lines 1 and 2"]),
        ("a: {x: 1,\n x: 2,\n x: 3}\nb: 1\nb: 1\n", ["b stands 2 times", "a.x stands 3 times, in lines 1, 2 and 3"]),
        ("list:\n - {k: 1, k: 2}\n", ["the key list.k stands 2 times, in lines 2 and 2"]),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_every_line(text: str, told: list[str]) -> None:
    said = refusal(text)
    assert [line for line, part in zip(said.splitlines(), told, strict=True) if part not in line] == []
    assert said.startswith("my.yaml: ")


def test_one_name_in_two_places_is_no_repetition() -> None:
    text = "base: &base {x: 1, y: 2}\nother: {<<: *base, x: 3}\n"
    assert parsed_yaml(text, "my.yaml") == {"base": {"x": 1, "y": 2}, "other": {"x": 3, "y": 2}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: " + "[" * 3000 + "]" * 3000, "my.yaml: line 1: brackets or levels are nested more than 32 deep"),
        ("\n" + "[" * 3000, "my.yaml: line 2: brackets or levels are nested more than 32 deep"),
        ("a: 1\nb: [2\nc: 3", "cannot be read as YAML (line 3: "),
        ("a: *nobody", "cannot be read as YAML (line 1: found undefined alias"),
        ("a: \x00", "cannot be read as YAML (unacceptable character #x0000"),
        ("a: 2020-13-40", "cannot be read as YAML (month must be in 1..12)"),
        ("a: 1\n---\nb: 2\n", "cannot be read as YAML (line 2: "),
    ],
)
def test_what_is_no_yaml_is_one_line(text: str, told: str) -> None:
    said = refusal(text)
    assert told in said
    assert "\n" not in said


def test_every_file_of_the_house_is_read_as_it_was() -> None:
    import yaml

    files = [*HOUSE.glob("*.yaml"), *HOUSE.glob("tests/*/config.yaml"), *HOUSE.glob("src/residua/simulate/designs/*")]
    assert len(files) >= 6
    for file in files:
        assert read_yaml(file) == yaml.safe_load(file.read_text(encoding="utf-8"))


def test_binary_and_missing_files_are_named(tmp_path: Path) -> None:
    binary = tmp_path / "config.yaml"
    binary.write_bytes(bytes(range(256)))
    told = {binary: "it is not UTF-8 text", tmp_path / "no.yaml": "No such file", tmp_path: "Is a directory"}
    for file, told_of in told.items():
        with pytest.raises(ResiduaError, match=told_of):
            read_yaml(file)


@pytest.mark.parametrize("load", [lambda file: load_cluster(file), lambda file: load_design(str(file))])
def test_the_cluster_and_designs_are_read_strictly_too(load: object, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("cpu: {}\ngpu: {}\ncpu: {}\n")
    with pytest.raises(ResiduaError, match="the key cpu stands 2 times, in lines 1 and 3"):
        load(file)  # type: ignore[operator]


@pytest.mark.parametrize(
    "arguments",
    [
        ["snakemake", "--configfile", "{bad}"],
        ["snakemake", "-n", "--configfile={bad}", "--cores", "1"],
        ["snakemake", "--configfiles", "{good}", "{bad}", "--directory", "x"],
    ],
)
def test_snakemake_ends_at_a_configuration_that_cannot_be_read(arguments: list[str], tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("a: 1\n")
    bad.write_text("[" * 3000)
    given = [argument.format(good=good, bad=bad) for argument in arguments]
    with pytest.raises(SystemExit, match=r"bad\.yaml: line 1: brackets or levels are nested"):
        require_readable(given)
    require_readable([argument.replace(str(bad), str(good)) for argument in given])
    require_readable(["snakemake", "--directory", str(bad)])
