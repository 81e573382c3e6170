# Extent of resection: what the tumour before surgery and the residual tumour tell, by the reference and by the networks.
#
# Needs:
#   results/resection/before.json                                  (before.smk)
#   results/metrics/{arch}/{inputs}.parquet                        (measure.smk)
#   results/segmentations/{arch}/{inputs}/members/manifest.json    (segment.smk)
# Gives:
#   results/resection/patients.parquet       extent, its range and classes of every patient
#   results/statistics/resection.parquet     agreement of predicted with reference extents and classes
#   results/statistics/rano.parquet          classes of RANO resect, predicted against reference
#   results/figures/resection.{pdf,png,txt}  extents and classes of the hold-out
rule compare_resections:
    """Compare the extent of resection and its classes by each network's best inputs with those by the reference."""
    input:
        metrics=publication.compared_metrics(loaded),
        members=resection.compared_members(loaded),
        before="results/resection/before.json",
    output:
        patients="results/resection/patients.parquet",
        resection="results/statistics/resection.parquet",
        rano="results/statistics/rano.parquet",
    log:
        "results/logs/compare_resections.log",
    benchmark:
        "results/benchmarks/compare_resections.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=60,
    params:
        ensembles=resection.compared_ensembles(loaded),
        best_inputs=study.choices("segmentation"),
        classification=study.classification.model_dump(mode="json"),
        statistics=study.statistics.without_subgroups(),
        code=code("compare_resections"),
    script:
        "../scripts/compare_resections.py"


rule resection_figure:
    """Make the figure of the extents and classes of the hold-out."""
    input:
        patients="results/resection/patients.parquet",
        resection="results/statistics/resection.parquet",
    output:
        pdf="results/figures/resection.pdf",
        png=report("results/figures/resection.png", caption="captions/figure.rst", category="Figures"),
        txt="results/figures/resection.txt",
    log:
        "results/logs/resection_figure.log",
    benchmark:
        "results/benchmarks/resection_figure.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        arch_labels=loaded.arch_labels,
        alpha=study.statistics.alpha,
        code=code("resection_figure"),
    script:
        "../scripts/resection_figure.py"
