"""Why jobs of a finished study would start, asked of Snakemake itself."""

from __future__ import annotations

from residua.operations.why import explained
from studies import Study, by_rule


def test_what_would_start_and_why_is_told_stage_by_stage(study: Study) -> None:
    # The log of the copy names the folder of the study that ran.
    assert explained(study.folder).causes == ()
    (study.folder / "cohort/images/AMS001/pre_t1ce.nii.gz").write_bytes(b"another scan")
    (study.folder / "results/tables/table1.csv").unlink()
    causes = {(cause.stage, cause.reason): cause for cause in explained(study.folder).causes}
    registered = causes["register scans", "a file that it reads changed"]
    assert (registered.rules, registered.jobs) == (("register_around_resection",), 1)
    assert registered.changed == ("cohort/images/AMS001/pre_t1ce.nii.gz",)
    assert registered.seconds is not None
    assert causes["tables and report", "it is not made yet, or was deleted"].rules == ("table1",)
    assert sum(cause.jobs for cause in causes.values()) == by_rule(study.planned()).total()
