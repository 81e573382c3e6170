"""Packages of an environment are compiled, or share the bytecode of another one, if both hold one and the same file."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from bytecode import compile_packages

SOURCE = "def here():\n    return 'one'\n"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The packages of two environments, of which the second is not compiled: uv linked one file into both."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        (folder / "package").mkdir(parents=True)
    (first / "package/__init__.py").write_text(SOURCE)
    os.link(first / "package/__init__.py", second / "package/__init__.py")
    compile_packages(first, [])
    return first, second


def bytecode(packages: Path, module: str = "package/__init__.py") -> Path:
    return Path(cache_from_source(str(packages / module)))


def imported(packages: Path) -> list[str]:
    """What the package answers, its file as its code names it, and whether Python took the bytecode that is there."""
    shown = "import package; print(package.here(), package.here.__code__.co_filename)"
    variables = {"PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-v", "-c", shown]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    return [*done.stdout.split(), str(f"{bytecode(packages)} matches" in done.stderr)]


def test_one_file_is_compiled_once_and_knows_in_each_environment_where_it_lies(folders: tuple[Path, Path]) -> None:
    first, second = folders
    # Environments that were never built, are half built, or of another Python.
    compile_packages(second, [first / "missing", first.parent, first])
    assert bytecode(second).samefile(bytecode(first))
    for packages in folders:
        assert imported(packages) == ["one", str(packages / "package/__init__.py"), "True"]


def test_without_another_environment_it_is_compiled(folders: tuple[Path, Path]) -> None:
    compile_packages(folders[1], [])
    assert not bytecode(folders[1]).samefile(bytecode(folders[0]))
    assert imported(folders[1])[2] == "True"


def test_files_of_one_name_size_and_time_are_not_taken_for_one(folders: tuple[Path, Path]) -> None:
    first, second = folders
    module = second / "package/__init__.py"
    time = module.stat().st_mtime
    module.unlink()
    module.write_text(SOURCE.replace("one", "two"))
    os.utime(module, (time, time))
    compile_packages(second, [first])
    assert [imported(packages)[0] for packages in folders] == ["one", "two"]


def test_bytecode_of_another_time_of_the_source_is_made_anew_and_left_where_it_was(folders: tuple[Path, Path]) -> None:
    first, second = folders
    old = bytecode(first).read_bytes()
    (second / "package/__init__.py").write_text(SOURCE.replace("one", "three"))
    os.utime(second / "package/__init__.py", (1e9, 1e9))
    compile_packages(second, [first])
    assert imported(second) == ["three", str(second / "package/__init__.py"), "True"]
    assert bytecode(first).read_bytes() == old


def test_tests_are_left_out_and_what_does_not_compile_is_passed_over(tmp_path: Path) -> None:
    # The environment may itself lie in a folder of tests.
    packages = tmp_path / "tests" / "packages"
    for module in ("package/tests/test_it.py", "package/testing/helper.py", "package/python_2.py", "package/last.py"):
        (packages / module).parent.mkdir(parents=True, exist_ok=True)
        (packages / module).write_text("print 'old'" if "python_2" in module else "")
    compile_packages(packages, [])
    compiled = sorted(str(path.relative_to(packages)) for path in packages.rglob("*.pyc"))
    assert [name.split("/__pycache__/")[0] for name in compiled] == ["package", "package/testing"]
    assert "last" in compiled[0]
