"""Why jobs would start, from Snakemake's own words, and which results are damaged."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from residua.cli import app
from residua.cohort.split.folds import PLACEMENT
from residua.cohort.split.frozen import require_as_frozen, sealed_anew
from residua.cohort.split.persons import PERSONS
from residua.errors import DamagedStageError, ResiduaError
from residua.operations.last_command import keep_command, last_command
from residua.operations.remake import remaking_commands
from residua.operations.run_log import RunLog
from residua.operations.verify import Verification, verify_study
from residua.operations.why import reason_of
from residua.publishing.publish import digest, stage
from residua.publishing.seals import seal

ANEW = "Input files updated by another job: results/cohort/folds.json"
UNION = "Params have changed since last execution: Union of exclusive params before and now across all output: "


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Missing output files: a.csv", "it is not made yet, or was deleted"),
        (f"Missing output files: a.csv; {ANEW}", "it is not made yet, or was deleted"),
        (ANEW, "what it reads is made anew"),
        (f"Updated input files: a.nii.gz; {ANEW}", "a file that it reads changed"),
        ("Incomplete output files: a.csv", "it was interrupted"),
        ("Forced execution", "it was asked for"),
        ("Code has changed since last execution", "the code that it uses changed"),
        (f"{UNION}before: '72c7ce19bb7355b5' now: '9c6a7adad7f299bf' ", "the code that it uses changed"),
        (f"{UNION}before: '72c7ce19bb7355b5',['{'a' * 64}'] now: '9c6a7adad7f299bf',['{'b' * 64}'] ; {ANEW}",
         "the code that it uses changed"),
        (f"{UNION}before: code='72c7ce19bb7355b5' now: layout=['{'b' * 64}'],code='9c6a7adad7f299bf' ",
         "the code that it uses changed"),
        (f"{UNION}before: code='72c7ce19bb7355b5' now: code='9c6a7adad7f299bf',alpha=0.1 ", "its settings changed"),
        (f"{UNION}before: alpha=0.05 now: alpha=0.1 ", "its settings changed"),
        (f"{UNION}before: 2,'72c7ce19bb7355b5' now: 3,'9c6a7adad7f299bf' ", "its settings changed"),
        (f"{UNION}before: <nothing exclusive> now: 'B' ", "its settings changed"),
        ("Software environment definition has changed since last execution",
         "its software environment has another definition"),
        ("A reason of a later Snakemake", "A reason of a later Snakemake"),
    ],
)  # fmt: skip
def test_reasons_are_told_in_plain_words(said: str, words: str) -> None:
    assert reason_of(said) == words


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study with two single results and a folder of two files, as jobs leave them."""
    folder = tmp_path / "a study"
    folder.mkdir()
    monkeypatch.chdir(folder)
    files = ["results/tables/table1.csv", "results/cohort/folds.json", "results/brain/AMS/manifest.json"]
    for file in files[:2]:
        Path(file).parent.mkdir(parents=True)
        Path(file).write_text("made")
    with stage(files[2]) as part:
        (part / "P1.nii.gz").write_bytes(b"one")
        (part / "P2.nii.gz").write_bytes(b"two")
    seal(files)
    monkeypatch.chdir(tmp_path)
    return folder


def verify(study: Path) -> Verification:
    return verify_study(study, 2, lambda done, total: None)


def test_sound_results_are_counted(study: Path) -> None:
    assert verify(study) == Verification(3, 1, (), ())
    assert Path.cwd() == study.parent


@pytest.mark.parametrize(
    ("file", "remade"),
    [
        ("results/tables/table1.csv", "results/tables/table1.csv"),
        ("results/brain/AMS/P2.nii.gz", "results/brain/AMS/manifest.json"),
        ("results/brain/AMS/manifest.json", "results/brain/AMS/manifest.json"),
    ],
)
@pytest.mark.parametrize("damage", ["changed", "cut", "empty", "longer"])
def test_each_kind_of_damage_is_found_with_the_file_to_make_again(
    study: Path, file: str, remade: str, damage: str
) -> None:
    whole = (study / file).read_bytes()
    damaged = {"changed": bytes([whole[0] ^ 1]) + whole[1:], "cut": whole[:-1], "empty": b"", "longer": whole + b"x"}
    (study / file).write_bytes(damaged[damage])
    found = verify(study)
    assert found.damaged
    assert found.remake == (remade,)


def test_a_deleted_file_of_a_folder_is_damage_and_a_deleted_result_is_made_again(study: Path) -> None:
    (study / "results/brain/AMS/P1.nii.gz").unlink()
    (study / "results/tables/table1.csv").unlink()
    found = verify(study)
    (said,) = found.damaged
    assert said.startswith("results/brain/AMS: 1 file(s) missing or changed since they were made: P1.nii.gz.")
    assert found.missing == ("results/tables/table1.csv",)


def test_what_is_being_built_is_not_judged(study: Path) -> None:
    shutil.copytree(study / "results/brain/AMS", study / "results/brain/GOT.part")
    (study / "results/brain/GOT.part/P1.nii.gz").write_bytes(b"half")
    assert verify(study).damaged == ()


def test_the_command_ends_with_1_where_anything_is_damaged(study: Path) -> None:
    sound = CliRunner().invoke(app, ["explain", str(study), "--verify"])
    assert (sound.exit_code, sound.output.splitlines()[-1]) == (0, "Nothing is damaged.")
    (study / "results/tables/table1.csv").write_text("other")
    broken = CliRunner().invoke(app, ["explain", str(study), "--verify"])
    assert (broken.exit_code, broken.output.splitlines()[-1]) == (1, "Damaged: 1.")
    record = json.loads(CliRunner().invoke(app, ["explain", str(study), "--verify", "--json"]).output)
    assert len(record["damaged"]) == 1


def test_a_file_that_the_disk_does_not_give_is_named_and_hides_no_other(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(path: object) -> str:
        if str(path).endswith("P1.nii.gz"):
            raise OSError(5, "Input/output error", str(path))
        return digest(path)  # type: ignore[arg-type]

    monkeypatch.setattr("residua.publishing.publish.digest", failing)
    (study / "results/tables/table1.csv").write_text("other")
    failed, changed = verify(study).damaged
    assert failed.startswith("results/brain/AMS/P1.nii.gz: cannot be read (Input/output error)")
    assert changed.startswith("results/tables/table1.csv: changed or damaged")


class TestCommand:
    """The command of a run, whose words Snakemake's log joins by spaces."""

    WORDS = ("--configfile", "/data/O'Brien/my config.yaml", "--cores", "2")

    @pytest.mark.parametrize("kept", [None, ("--config", "a=b c", "--", "all")])
    def test_a_run_with_nothing_to_do_has_the_command_before_or_its_log(
        self, tmp_path: Path, kept: tuple[str, ...] | None
    ) -> None:
        words = kept or ("--cores", "2", "--", "all")
        if kept:
            keep_command("earlier.snakemake.log", kept, tmp_path, ["all"])
        command = " ".join(("/my programs/snakemake", *words))
        found = last_command(tmp_path, Path("a.snakemake.log"), RunLog(command=command))
        assert (found.program, found.arguments, found.targets) == (("/my programs/snakemake",), words, ("all",))

    def test_what_the_run_kept_is_taken_word_by_word(self, tmp_path: Path) -> None:
        keep_command("/elsewhere/a.snakemake.log", self.WORDS, tmp_path)
        run = RunLog(command="snakemake " + " ".join(self.WORDS))
        assert last_command(tmp_path, Path("a.snakemake.log"), run).arguments == self.WORDS

    def test_it_is_shown_as_a_shell_takes_it(self, tmp_path: Path) -> None:
        keep_command("a.snakemake.log", ["--configfile", "my config.yaml", "--", "all"], tmp_path)
        run = RunLog(command="snakemake --configfile my config.yaml -- all")
        found = last_command(tmp_path, Path("a.snakemake.log"), run)
        assert found.shown("--dry-run") == "snakemake --configfile 'my config.yaml' --dry-run -- all"

    @pytest.mark.parametrize("kept", [None, "other.snakemake.log"])
    def test_without_it_the_log_tells_or_one_message_asks(self, tmp_path: Path, kept: str | None) -> None:
        if kept:
            keep_command(kept, self.WORDS, tmp_path)
        log = Path("a.snakemake.log")
        assert last_command(tmp_path, log, RunLog(command="snakemake -c 2 'a b'")).arguments == ("-c", "2", "a b")
        with pytest.raises(ResiduaError, match="the command of the last run cannot be read from its log"):
            last_command(tmp_path, log, RunLog(command="snakemake --configfile /data/O'Brien/x.yaml"))


def test_a_folder_without_a_study_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(ResiduaError, match="no results"):
        verify(tmp_path)
    assert CliRunner().invoke(app, ["explain", str(tmp_path)]).exit_code == 1


class TestRemaking:
    """The commands that make damaged results again."""

    def test_without_damage_there_are_none(self, study: Path) -> None:
        assert remaking_commands(study, ()) == []

    def test_the_last_command_is_asked_for_the_files_by_name(self, study: Path) -> None:
        log = study / ".snakemake/log/a.snakemake.log"
        log.parent.mkdir(parents=True)
        command = "Command: /bin/snakemake --configfile my config.yaml"
        log.write_text(f"  Host: here\n  {command}\n  Run directory: /where it began\n\nNothing to be done\n")
        keep_command(str(log), ["--configfile", "my config.yaml", "results/tables/table1.csv"], study)
        given = f"--configfile 'my config.yaml' --directory '{study.resolve()}'"
        again = f"--configfile 'my config.yaml' results/tables/table1.csv --directory '{study.resolve()}'"
        assert remaking_commands(study, ["results/cohort/study.json", "results/a b.csv"]) == [
            "cd '/where it began'",
            f"rm '{study.resolve()}/results/cohort/study.json' '{study.resolve()}/results/a b.csv'",
            f"""for file in 'results/a b.csv'; do /bin/snakemake "$file" {given} || break; done""",
            f"/bin/snakemake {again}",
        ]

    @pytest.mark.parametrize(
        ("given", "targets", "options", "again"),
        [
            ("--cores 2 -- train", "train", "--cores 2", "--cores 2 --directory {} -- train"),
            ("--cores 2 train test", "train test", "--cores 2", "--cores 2 train test --directory {}"),
            ("all --until all", "all", "--until all", "all --until all --directory {}"),
            ("--until all --cores 2 all", "all", "--until all --cores 2", "--until all --cores 2 all --directory {}"),
            ("--forceall all", "all", "--forceall", "--forceall all --directory {}"),
            ("a -n -- b", "a b", "-n", "a -n --directory {} -- b"),
            ("--cores 2", "", "--cores 2", "--cores 2 --directory {}"),
        ],
    )
    def test_the_targets_of_the_last_run_make_way_in_a_program_with_a_blank(
        self, study: Path, given: str, targets: str, options: str, again: str
    ) -> None:
        self.run_of(study, "/my programs/snakemake", given.split(), targets.split())
        place = shlex.quote(str(study.resolve()))
        made = f"""'/my programs/snakemake' "$file" {options} --directory {place}"""
        assert remaking_commands(study, ["results/a.csv"])[2:] == [
            f"for file in results/a.csv; do {made} || break; done",
            f"'/my programs/snakemake' {again.format(place)}",
        ]

    def test_a_run_that_was_started_as_a_module_is_started_so_again(self, study: Path) -> None:
        self.run_of(study, "/lib/snakemake/__main__.py", ["--cores", "2"], [])
        again = remaking_commands(study, ["results/a.csv"])[-1]
        assert again.startswith(f"{shlex.quote(sys.executable)} -m snakemake --cores 2 --directory")

    def test_what_only_a_start_writes_is_asked_for_by_no_name(self, study: Path) -> None:
        start = ["results/cohort/study.json"]
        assert [line.split()[0] for line in remaking_commands(study, start)] == ["rm", "the"]
        self.run_of(study, "snakemake", ["--cores", "2"], [])
        assert [line.split()[0] for line in remaking_commands(study, start)] == ["cd", "rm", "snakemake"]

    @staticmethod
    def run_of(study: Path, program: str, arguments: list[str], targets: list[str]) -> None:
        log = study / ".snakemake/log/a.snakemake.log"
        log.parent.mkdir(parents=True)
        command = " ".join([program, *arguments])
        log.write_text(f"  Host: here\n  Command: {command}\n  Run directory: /began\n\nNothing to be done\n")
        keep_command(str(log), arguments, study, targets)

    def test_where_no_run_is_known_the_options_are_left_to_the_user(self, study: Path) -> None:
        removed, made, _ = remaking_commands(study, ["results/a.csv"])
        assert removed.endswith("/results/a.csv'")
        assert made.startswith("snakemake results/a.csv … (with the options")


def test_what_a_start_wrote_is_made_again_with_the_last_result(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(study)
    files = ["results/cohort/study.json", "results/report/index.html"]
    for file in files:
        Path(file).parent.mkdir(exist_ok=True)
        Path(file).write_text("made")
    seal(files)
    Path(files[0]).write_text("other")
    assert verify(study).remake == tuple(files)


def test_frozen_folds_that_changed_are_no_file_to_make_again(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(study)
    Path(PLACEMENT).write_text("hospital\tfold\nAMS\t0\n")
    seal([PLACEMENT])
    require_as_frozen(PLACEMENT, PERSONS)
    Path(PLACEMENT).write_text("hospital\tfold\nAMS\t1\n")
    (said,) = verify(study).damaged
    assert said.startswith(f"{PLACEMENT}: changed since the folds were frozen")
    assert "rm results/.sha256/cohort/placement.tsv.txt and give" in said
    assert verify(study).remake == ()
    Path("results/.sha256/cohort/placement.tsv.txt").unlink()
    require_as_frozen(PLACEMENT)


def test_a_start_that_dies_while_it_freezes_the_folds_anew_is_given_again(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study)
    Path(PLACEMENT).write_text("hospital\tfold\nAMS\t0\n")
    seal([PLACEMENT])
    start = sealed_anew([PLACEMENT])
    start.__enter__()
    Path(PLACEMENT).write_text("hospital\tfold\nAMS\t1\n")
    require_as_frozen(PLACEMENT)
    with sealed_anew([PLACEMENT]):
        Path(PLACEMENT).write_text("hospital\tfold\nAMS\t2\n")
    require_as_frozen(PLACEMENT)
    Path(PLACEMENT).write_text("hospital\tfold\nAMS\t3\n")
    with pytest.raises(DamagedStageError, match=f"rm {PLACEMENT} results/.sha256/cohort/placement.tsv.txt to draw"):
        require_as_frozen(PLACEMENT)
