# The report: one page that needs nothing beside it.
rule report:
    """The report of the run: cohort, methods, results, findings, deviations and provenance."""
    input:
        folds="results/cohort/folds.json",
        tables=expand("results/tables/{table}.html", table=TABLES),
        figures=expand("results/figures/{figure}.png", figure=FIGURES),
        captions=expand("results/figures/{figure}.txt", figure=FIGURES),
        metrics=[f"results/metrics/{arch}/{inputs}.parquet" for arch, inputs in MODELS],
        statistics=expand("results/statistics/{comparison}.parquet", comparison=COMPARISONS),
        thresholds=[f"results/segmentations/{arch}/{inputs}/threshold.json" for arch, inputs in MODELS],
        models=[f"results/models/{arch}/{inputs}/fold{fold}/manifest.json" for arch, inputs, fold in TRAINED],
        flags="results/quality/flags.tsv",
        sound=ancient("results/quality/sound.json"),
    output:
        "results/report/index.html",
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
        tables=list(TABLES),
        figures=list(FIGURES),
        statistics=COMPARISONS,
        models=MODELS,
        trained=TRAINED,
        arch_labels=ARCH_LABELS,
        stages=lambda wildcards: stages(),
        environments=lambda wildcards: {name: pins_of(environment(name)) for name in sorted(STACKS)},
        page=lambda wildcards: page(),
        code=code("report"),
    script:
        "../scripts/report.py"
