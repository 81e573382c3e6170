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
#   results/preoperative/prepared/{arch}/fold{fold}.json         (preoperative.smk; networks that start from such scans)
#   results/quality/quality.parquet                              (quality.smk; networks that see a region)
# Gives:
#   results/report/index.html                      the report
#   results/report/methods.md                      the methods with citations
#   results/report/references.bib                  the publications that they cite
#   results/report/claim.{md,csv}                  CLAIM 2024, filled in where the run knows the answer
#   results/report/tripod_ai.{md,csv}              TRIPOD+AI, likewise
# and, unless the configuration asks for none (report.cases: 0), from the images and labels of the cohort table,
#   results/segmentations/{arch}/{inputs}/{split}/manifest.json, results/brain/{batch}/manifest.json, a page for each
#   hospital and one of the worst cases:
#   results/report/cases/manifest.json             digests of index.html and hospital-{hospital}.html
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
        starts=[preoperative.selection(*start) for start in preoperative.starts(loaded)],
        measures=quality.measures_of_regions(loaded),
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
        starts=preoperative.starts(loaded),
        lacking_before=preoperative.without_scans(loaded),
        arch_labels=loaded.arch_labels,
        elsewhere=elsewhere.notes_of_elsewhere(loaded),
        corrected=corrections.corrected(loaded),
        stages=lambda wildcards: digests.of_stages(study, HOUSE),
        environments=lambda wildcards: {name: pins_of(environment(name)) for name in publication.stacks(loaded)},
        page=lambda wildcards: layout(
            "report/*.html", "report/*.bib", "report/*.csv", "pages/*.html", "pages/*.css", "article/*.csv"
        ),
        code=code("report", [m for arch in study.archs for m in digests.network_module(arch, "methods")]),
    script:
        "../scripts/report.py"


if casebook.pages(loaded):

    rule report_cases:
        """Write a page for each hospital, and one that ranks the worst cases and shows them."""
        input:
            metrics=publication.compared_metrics(loaded),
            validation=casebook.segmentations(loaded, "validation"),
            test=casebook.segmentations(loaded, "test"),
            brains=files.brain_manifests(loaded, split.patients),
            baseline="results/tables/baseline.csv",
        output:
            casebook.MANIFEST,
        log:
            "results/logs/report_cases.log",
        benchmark:
            "results/benchmarks/report_cases.tsv"
        conda:
            environment("core")
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=30,
        params:
            models=publication.compared(loaded),
            # What they hold has gone into the masks and the measurements, which this rule waits for.
            scans=lambda wildcards: casebook.scans(loaded),
            brains=lambda wildcards: casebook.brains(loaded),
            pages=lambda wildcards: casebook.quality_pages(loaded),
            title=study.title,
            best_inputs=study.choices("segmentation"),
            classification=study.classification.model_dump(mode="json"),
            arch_labels=loaded.arch_labels,
            cases=study.report.cases,
            layout=layout("casebook/*.html", "pages/head.html", "pages/style.css"),
            code=code("report_cases"),
        script:
            "../scripts/report_cases.py"
