# Extent of resection: what the tumour before surgery and the residual tumour tell, by the reference and by the networks.
#
# Needs: the mask of the tumour before surgery of the cohort table (label registration.resected), and
#   results/metrics/{arch}/{inputs}.parquet                        (measure.smk)
#   results/segmentations/{arch}/{inputs}/members/manifest.json    (segment.smk)
# Gives:
#   results/resection/before.json            volume of the tumour before surgery, of every patient
#   results/resection/patients.parquet       extent, its range and classes of every patient
#   results/statistics/resection.parquet     agreement of predicted with reference extents and classes
#   results/statistics/rano.parquet          classes of RANO resect, predicted against reference
#   results/figures/resection.{pdf,png,txt}  extents and classes of the hold-out
rule measure_before:
    """Measure the tumour before surgery of every patient, in the scan on which it was drawn."""
    input:
        resection.masks_before(loaded),
    output:
        "results/resection/before.json",
    log:
        "results/logs/measure_before.log",
    benchmark:
        "results/benchmarks/measure_before.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=120,
    params:
        patients=patients.resected_patients(loaded),
        code=code("measure_before"),
    script:
        "../scripts/measure_before.py"


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
        statistics=study.statistics.model_dump(mode="json"),
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
