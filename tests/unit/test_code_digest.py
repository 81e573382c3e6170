"""The digest of code changes with what the code does, and with nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from cohort_tables import ROOT
from residua.publishing.code_digest import code_digest, read_code

SCRIPT = '''"""Rule build."""

import json

import _here  # noqa: F401

from house import walls
from house.roof import cover

job = snakemake
cover(walls.raise_walls(job.params))
'''
LIBRARY = {
    "house/__init__.py": '"""A house."""\nSTOREYS = 2\n',
    "house/study.py": "from house import garden\n",
    "house/walls.py": '''"""Walls."""

from __future__ import annotations

from house.ground import dig


def raise_walls(params: object, height: int = 3) -> object:
    """Raise them."""
    dig(height)
    return [params, (height + 1) * 2, None]
''',
    "house/ground.py": "def dig(depth: int) -> None:\n    print('dig', depth)\n",
    "house/roof/__init__.py": "from house.roof.tiles import cover\n",
    "house/roof/tiles.py": "import house.wood\n\n\ndef cover(walls):\n    return house.wood.beam(walls)\n",
    "house/wood.py": "def beam(walls: object) -> object:\n    return walls\n",
    "house/garden.py": "def plant() -> str:\n    return 'rose'\n",
    "house/plans/__init__.py": "",
    "house/plans/stone.py": "from house.plans.shared import draw\n",
    "house/plans/shared.py": "def draw() -> str:\n    return 'line'\n",
}
REACHED = [name for name in LIBRARY if "garden" not in name and "plans" not in name and "study" not in name]


class Copies:
    """Copies of the script and its library in folders of their own, each with some files changed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.made = folder, 0

    def digest(
        self, changes: Mapping[str, str] | None = None, script: str = SCRIPT, modules: tuple[str, ...] = ()
    ) -> str:
        self.made += 1
        copy = self.folder / str(self.made)
        library = {f"src/{name}": text for name, text in {**LIBRARY, **(changes or {})}.items()}
        for name, text in {"build.py": script, **library}.items():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text(text, encoding="utf-8")
        return code_digest(copy / "build.py", copy / "src", modules)


@pytest.fixture
def copies(tmp_path: Path) -> Copies:
    return Copies(tmp_path)


def edited(name: str, old: str, new: str) -> dict[str, str]:
    """One file of the library with ``old`` replaced."""
    assert LIBRARY[name].count(old) == 1
    return {name: LIBRARY[name].replace(old, new)}


def test_equal_code_has_one_digest_wherever_it_lies(copies: Copies) -> None:
    assert copies.digest() == copies.digest()
    assert len(copies.digest()) == 16


GRAMMAR = r"""
import contextlib as tools
from os import *


@tools.cache
class Beam(list, metaclass=type):
    wood: str = u"oak"

    @property
    async def cut(self, a, /, b: int = 1, *rest, key, other=None, **more) -> list[int | None]:
        async with a as b, self:
            yield f"{a!r:>{b}s} {key=} {{}} {more['x']:.3f}" "joined", b"bytes"


def split(*values):
    global counted
    counted, (first, *others) = {**dict(a=1), "b": {2, 3}}, values
    try:
        del others[::2], others[1:-1]
        while not (found := [x for y in values for x in y if x if y]) or first < 2 <= 3.5e-3j:
            continue
        else:
            raise ValueError(...) from None
    except (ValueError, TypeError) as error:
        assert error, "message"
    finally:
        counted -= 1
    match values:
        case [1, Beam(wood="oak") as beam, *_] | {"a": None, **beam} if beam is not None:
            return lambda x, *y, z=(): (yield from x) if x else ~y @ z
    return
"""


def test_the_digest_is_the_same_under_every_python(copies: Copies) -> None:
    # Snakemake may run under another Python than last time; that must rerun nothing.
    assert copies.digest(script=GRAMMAR) == "4c5a234dee490e8f"


@pytest.mark.parametrize("name", REACHED)
def test_each_module_that_the_script_reaches_counts(copies: Copies, name: str) -> None:
    assert copies.digest({name: LIBRARY[name] + "\nNEW = 1\n"}) != copies.digest()


@pytest.mark.parametrize("name", sorted(set(LIBRARY) - set(REACHED) - {"house/study.py"}))
def test_a_module_that_the_script_does_not_reach_does_not_count(copies: Copies, name: str) -> None:
    assert copies.digest({name: LIBRARY[name] + "\nNEW = 1\n"}) == copies.digest()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("house/walls.py", "height: int = 3", "height: int = 4"),
        ("house/walls.py", "(height + 1) * 2", "height + 1 * 2"),
        ("house/walls.py", "    dig(height)\n", ""),
        ("house/walls.py", ", None]", "]"),
        ("house/walls.py", "None]", "0]"),
        ("house/ground.py", "'dig'", "'Dig'"),
        ("house/wood.py", "return walls", "return None"),
        ("house/wood.py", "return walls", "return"),
        ("house/__init__.py", "STOREYS = 2", "STOREYS = 2.0"),
        ("house/__init__.py", "STOREYS = 2", "STOREYS = True"),
    ],
)
def test_what_a_function_does_counts_however_deep_it_lies(copies: Copies, name: str, old: str, new: str) -> None:
    assert copies.digest(edited(name, old, new)) != copies.digest()


def test_to_return_nothing_and_to_return_none_are_written_differently(copies: Copies) -> None:
    bare = copies.digest(edited("house/wood.py", "return walls", "return"))
    assert copies.digest(edited("house/wood.py", "return walls", "return None")) != bare


def test_reverting_an_edit_gives_the_old_digest(copies: Copies) -> None:
    before = copies.digest()
    assert copies.digest(edited("house/ground.py", "'dig'", "'drill'")) != before
    assert copies.digest() == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("house/walls.py", "    dig(height)\n", "    # first the ground\n    dig(height)  # deep\n"),
        ("house/walls.py", "    dig(height)\n", "    dig(\n        height,\n    )\n\n"),
        ("house/walls.py", "\n    return", "\n\n    return"),
        ("house/walls.py", "(height + 1) * 2", "((height + 1) * (2))"),
        ("house/walls.py", "Raise them.", "Raise the walls, all four."),
        ("house/walls.py", '    """Raise them."""\n', ""),
        ("house/walls.py", '"""Walls."""\n', ""),
        ("house/ground.py", "'dig'", '"dig"'),
        ("house/ground.py", ":\n    print", ":\n    '''Dig.'''\n    print"),
        ("house/__init__.py", '"""A house."""\n', "#!/usr/bin/env python\n"),
    ],
)
def test_how_code_is_written_down_does_not_count(copies: Copies, name: str, old: str, new: str) -> None:
    assert copies.digest(edited(name, old, new)) == copies.digest()


def test_the_docstring_of_a_class_does_not_count(copies: Copies) -> None:
    plain = "class Beam:\n    length = 2\n\n    async def lay(self) -> None:\n        return None\n"
    described = plain.replace("    length", '    """Wood."""\n\n    length').replace(
        "        return", '        """Lay."""\n        return'
    )
    assert copies.digest({"house/wood.py": described}) == copies.digest({"house/wood.py": plain})


def test_the_docstring_of_a_value_does_not_count(copies: Copies) -> None:
    described = LIBRARY["house/__init__.py"] + '"""How many floors lie on each other."""\n'
    assert copies.digest({"house/__init__.py": described}) == copies.digest()


def test_a_function_of_a_docstring_alone_does_nothing(copies: Copies) -> None:
    described = copies.digest({"house/wood.py": 'def beam() -> None:\n    """Nothing."""\n'})
    assert copies.digest({"house/wood.py": "def beam() -> None:\n    pass\n"}) == described


def test_the_script_counts_and_its_docstring_does_not(copies: Copies) -> None:
    assert copies.digest(script=SCRIPT.replace("Rule build", "Rule that builds")) == copies.digest()
    assert copies.digest(script=SCRIPT.replace("job.params", "job.input")) != copies.digest()


@pytest.mark.parametrize(
    "statement",
    [
        "import house.garden",
        "import house.garden as garden",
        "from house import garden",
        "from house.garden import plant",
        "from house.garden import *",
        "def later() -> None:\n    from house.garden import plant",
        "if True:\n    import json, house.garden",
    ],
)
def test_every_way_to_import_is_followed(copies: Copies, statement: str) -> None:
    script = f"{SCRIPT}{statement}\n"
    changed = edited("house/garden.py", "rose", "thorn")
    assert copies.digest(changed, script) != copies.digest(script=script)


def test_importing_a_module_counts_the_packages_around_it(copies: Copies) -> None:
    script = "import house.roof.tiles\n"
    for name in ("house/__init__.py", "house/roof/__init__.py", "house/roof/tiles.py"):
        assert copies.digest({name: LIBRARY[name] + "NEW = 1\n"}, script) != copies.digest(script=script)


def test_importing_a_package_counts_its_own_code(copies: Copies) -> None:
    changed = {"house/plans/__init__.py": "NEW = 1\n"}
    assert copies.digest(changed, "import house.plans\n") != copies.digest(script="import house.plans\n")
    assert copies.digest(changed, modules=("house.plans",)) != copies.digest(modules=("house.plans",))


def test_modules_that_import_each_other_are_followed_once(copies: Copies) -> None:
    circle = {"house/wood.py": "import house.walls\n" + LIBRARY["house/wood.py"]}
    assert copies.digest(circle) == copies.digest(circle) != copies.digest()


def test_modules_found_by_name_at_run_time_are_followed(copies: Copies) -> None:
    modules = ("house.plans.stone",)
    assert copies.digest(modules=modules) != copies.digest()
    for name in ("house/plans/__init__.py", "house/plans/stone.py", "house/plans/shared.py"):
        changed = {name: LIBRARY[name] + "NEW = 1\n"}
        assert copies.digest(changed, modules=modules) != copies.digest(modules=modules)
        assert copies.digest(changed) == copies.digest()


# --- this repository --------------------------------------------------------------------------------------------------


def repository(folder: Path, change: str | None = None, text: str = "\n\nNEW = 1\n") -> Path:
    """A copy of the scripts and the library, with ``text`` at the end of ``change``."""
    for part in ("scripts", "src"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    if change:
        path = folder / change
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    return folder


read_once = cache(read_code)
"""The copies of the repository differ in one file: the text of every other one is read once for all tests."""


def digest_in(root: Path, script: str, *modules: str) -> str:
    return code_digest(root / "scripts" / f"{script}.py", root / "src", modules, read_once)


@pytest.mark.parametrize("script", ["prepare", "segment", "measure", "table1"])
def test_the_settings_module_does_not_count(tmp_path: Path, script: str) -> None:
    copy = repository(tmp_path / "copy", "src/residua/settings/study.py")
    assert digest_in(copy, script) == digest_in(ROOT, script)


@pytest.mark.parametrize("name", ["trainer", "train", "predict", "dataset", "plans"])
def test_preparing_for_a_network_does_not_depend_on_how_it_trains_or_predicts(tmp_path: Path, name: str) -> None:
    copy = repository(tmp_path / "copy", f"src/residua/networks/nnunet/{name}.py")
    module = "residua.networks.nnunet.prepare"
    assert digest_in(copy, "prepare", module) == digest_in(ROOT, "prepare", module)


@pytest.mark.parametrize(
    "change",
    [
        "scripts/prepare.py",
        "src/residua/networks/nnunet/prepare.py",
        "src/residua/networks/nnunet/prepared.py",
        "src/residua/networks/nnunet/resampling.py",
        "src/residua/networks/__init__.py",
        "src/residua/preparation/brain_crop.py",
        "src/residua/images/volumes.py",
        "src/residua/publishing/publish.py",
    ],
)
def test_preparing_for_a_network_depends_on_what_makes_its_files(tmp_path: Path, change: str) -> None:
    copy = repository(tmp_path / "copy", change)
    module = "residua.networks.nnunet.prepare"
    assert digest_in(copy, "prepare", module) != digest_in(ROOT, "prepare", module)


def test_predicting_depends_on_the_networks_prediction_and_not_on_its_training(tmp_path: Path) -> None:
    module = "residua.networks.nnunet.predict"
    changed = repository(tmp_path / "changed", "src/residua/networks/nnunet/predict.py")
    assert digest_in(changed, "predict", module) != digest_in(ROOT, "predict", module)
    other = repository(tmp_path / "other", "src/residua/networks/nnunet/trainer.py")
    assert digest_in(other, "predict", module) == digest_in(ROOT, "predict", module)


def test_segmenting_depends_on_no_table_and_no_network(tmp_path: Path) -> None:
    for change in ("src/residua/tables/table1.py", "src/residua/networks/nnunet/plans.py", "src/residua/cli.py"):
        copy = repository(tmp_path / Path(change).stem, change)
        assert digest_in(copy, "segment") == digest_in(ROOT, "segment")
    copy = repository(tmp_path / "segmentation", "src/residua/segmentation/masks.py")
    assert digest_in(copy, "segment") != digest_in(ROOT, "segment")


@pytest.mark.parametrize(
    ("module", "stages"),
    [
        ("quality/flag_rules.py", {"assess_cohort", "report_patient"}),
        ("quality/patient_page.py", {"assess"}),
        ("figures/slices.py", {"figure1", "figure3", "report_cases", "report_patient"}),
        ("metrics/surface.py", {"measure", "measure_conventions"}),
        ("metrics/voxelwise.py", {"measure", "measure_conventions"}),
        ("metrics/measure_patients.py", {"measure", "measure_conventions"}),
        ("segmentation/threshold.py", {"choose_threshold", "measure_conventions"}),
        ("raters/rate.py", {"rate"}),
        ("raters/compare.py", {"compare_raters"}),
        ("raters/staple.py", {"rate"}),
        ("raters/ranks.py", {"compare_raters_paired"}),
        ("raters/paired.py", {"compare_raters_paired"}),
        ("statistics/nested.py", {"nested_estimate"}),
        ("statistics/auroc.py", {"compare_paired"}),
        ("statistics/subgroup_tests.py", {"compare_subgroups"}),
        ("figures/forest_lines.py", {"forest_figures"}),
        ("statistics/compare_inputs.py", {"compare_inputs"}),
        ("statistics/compare_architectures.py", {"compare_architectures"}),
        ("tables/table2.py", {"table2"}),
        ("brain/template.py", {"deface"}),
        ("cohort/split/folds.py", set()),
    ],
)
def test_an_edit_counts_for_the_stages_that_use_it(tmp_path: Path, module: str, stages: set[str]) -> None:
    copy = repository(tmp_path / "copy", f"src/residua/{module}")
    scripts = [path.stem for path in (ROOT / "scripts").glob("[!_]*.py")]
    assert {script for script in scripts if digest_in(copy, script) != digest_in(ROOT, script)} == stages


def test_every_script_of_the_study_has_a_digest_of_its_own() -> None:
    scripts = [path.stem for path in (ROOT / "scripts").glob("[!_]*.py")]
    assert len({digest_in(ROOT, script) for script in scripts}) == len(scripts) > 10


def test_a_comment_in_the_library_reruns_nothing(tmp_path: Path) -> None:
    copy = repository(tmp_path / "copy", "src/residua/images/volumes.py", "\n# A remark.\n")
    scripts = [path.stem for path in (ROOT / "scripts").glob("[!_]*.py")]
    assert [digest_in(copy, script) for script in scripts] == [digest_in(ROOT, script) for script in scripts]
