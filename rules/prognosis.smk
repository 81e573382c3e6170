# Prognosis: survival by what surgery left, by the manual segmentation and by the networks.
#
# Only a study whose cohort table tells survival_days and death plans this.
#
# Needs:
#   results/metrics/{arch}/{inputs}.parquet      (measure.smk)
#   results/resection/before.json                (before.smk), where a tumour before surgery is drawn
# Gives:
#   results/statistics/prognosis.parquet         hazard ratios
#   results/statistics/survival.parquet          survival of patients with and without residual tumour
#   results/prognosis/curves.parquet             Kaplan-Meier curves with the numbers at risk
#   results/figures/kaplan_meier.{pdf,png,txt}   these curves
rule analyse_survival:
    """Judge survival by residual volume, gross total resection and extent of resection."""
    input:
        metrics=publication.metrics_files(loaded),
        before=prognosis.volumes_before(loaded),
    output:
        prognosis="results/statistics/prognosis.parquet",
        survival="results/statistics/survival.parquet",
        curves="results/prognosis/curves.parquet",
    log:
        "results/logs/analyse_survival.log",
    benchmark:
        "results/benchmarks/analyse_survival.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        survival=prognosis.survivals(loaded),
        segmentation=study.choices("segmentation"),
        judged=study.choices("classification"),
        classification=study.classification.model_dump(mode="json"),
        alpha=study.statistics.alpha,
        code=code("analyse_survival"),
    script:
        "../scripts/analyse_survival.py"


rule kaplan_meier:
    """Make the figure of the Kaplan-Meier curves, with the numbers at risk."""
    input:
        curves="results/prognosis/curves.parquet",
        prognosis="results/statistics/prognosis.parquet",
    output:
        pdf="results/figures/kaplan_meier.pdf",
        png=report("results/figures/kaplan_meier.png", caption="captions/figure.rst", category="Figures"),
        txt="results/figures/kaplan_meier.txt",
    log:
        "results/logs/kaplan_meier.log",
    benchmark:
        "results/benchmarks/kaplan_meier.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        arch_labels=loaded.arch_labels,
        alpha=study.statistics.alpha,
        residual_tumor_ml=study.classification.residual_tumor_ml,
        code=code("kaplan_meier"),
    script:
        "../scripts/kaplan_meier.py"
