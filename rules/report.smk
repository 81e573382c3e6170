# The report: one page that needs nothing beside it, and what a manuscript takes from the run.
#
# Needs:
#   results/cohort/folds.json                                    (cohort.smk)
#   results/tables/{table}.html                                  (tables.smk, participants.smk)
#   results/figures/{figure}.png, results/figures/{figure}.txt   (figures.smk, participants.smk)
#   results/metrics/{arch}/{inputs}.parquet                      (measure.smk)
#   results/statistics/{name}.parquet                            (statistics.smk, raters.smk)
#   results/segmentations/{arch}/{inputs}/threshold.json         (out_of_fold.smk)
#   results/models/{arch}/{inputs}/fold{fold}/manifest.json      (train.smk)
#   results/quality/flags.tsv, sound.json, left_out/{side}.json  (quality.smk)
# Gives:
#   results/report/index.html                      the report
#   results/report/methods.md                      the methods with citations
#   results/report/references.bib                  the publications that they cite
#   results/report/claim.{md,csv}                  CLAIM 2024, filled in where the run knows the answer
#   results/report/tripod_ai.{md,csv}              TRIPOD+AI, likewise
rule report:
    """Write the report of the run: cohort, methods, results, findings, deviations and provenance."""
    input:
        folds="results/cohort/folds.json",
        tables=expand("results/tables/{table}.html", table=publication.tables(loaded)),
        figures=expand("results/figures/{figure}.png", figure=publication.figures(loaded)),
        captions=expand("results/figures/{figure}.txt", figure=publication.figures(loaded)),
        metrics=publication.metrics_files(loaded),
        statistics=expand("results/statistics/{comparison}.parquet", comparison=publication.comparisons(loaded)),
        thresholds=[
            file for model in elsewhere.chosen_thresholds(loaded) for file in elsewhere.threshold_files(loaded, *model)
        ],
        models=[f"results/models/{arch}/{inputs}/fold{fold}/manifest.json" for arch, inputs, fold in loaded.trained],
        flags="results/quality/flags.tsv",
        left_out=faults.left_out(loaded),
        sound=ancient("results/quality/sound.json"),
    output:
        report("results/report/index.html", caption="captions/report.rst", category="Pages"),
        "results/report/methods.md",
        "results/report/references.bib",
        "results/report/claim.md",
        "results/report/claim.csv",
        "results/report/tripod_ai.md",
        "results/report/tripod_ai.csv",
    log:
        "results/logs/report.log",
    benchmark:
        "results/benchmarks/report.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=study.model_dump(mode="json", exclude={"cohort", "raters"}),
        tables=publication.tables(loaded),
        figures=publication.figures(loaded),
        statistics=publication.comparisons(loaded),
        models=elsewhere.chosen_thresholds(loaded),
        trained=loaded.trained,
        arch_labels=loaded.arch_labels,
        elsewhere=elsewhere.notes_of_elsewhere(loaded),
        corrected=corrections.corrected(loaded),
        stages=lambda wildcards: digests.of_stages(loaded, HOUSE),
        environments=lambda wildcards: {name: pins_of(environment(name)) for name in publication.stacks(loaded)},
        page=lambda wildcards: layout(
            "report/*.html", "report/*.bib", "report/*.csv", "pages/*.html", "pages/*.css", "article/*.csv"
        ),
        code=code("report"),
    script:
        "../scripts/report.py"
