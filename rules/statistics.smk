# The article's statistics and the paired ones, from the measurements of every patient.
#
# Needs:
#   results/metrics/{arch}/{inputs}.parquet      (measure.smk)
# Gives:
#   results/statistics/inputs.parquet            Tukey's range test of the input configurations
#   results/statistics/architectures.parquet     the networks against each other
#   results/statistics/intervals.parquet         intervals of the classification
#   results/statistics/overlaps.parquet          which of these intervals overlap
# and, because every model sees the same patients, beside it
#   results/statistics/paired_dice.parquet             models compared by Dice, patient by patient
#   results/statistics/paired_friedman.parquet         Friedman's test of the input configurations
#   results/statistics/paired_classification.parquet   models compared by the classification of each patient
#   results/statistics/paired_auroc.parquet            area under the ROC curve of the predicted volume
rule compare_inputs:
    """Compare the input configurations of every network by Tukey's range test."""
    input:
        publication.metrics_files(loaded),
    output:
        "results/statistics/inputs.parquet",
    log:
        "results/logs/compare_inputs.log",
    benchmark:
        "results/benchmarks/compare_inputs.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        classification=study.classification.model_dump(mode="json"),
        alpha=study.statistics.alpha,
        code=code("compare_inputs"),
    script:
        "../scripts/compare_inputs.py"


rule compare_architectures:
    """Compare the networks, each with its best inputs, by the Mann-Whitney U test."""
    input:
        publication.compared_metrics(loaded),
    output:
        "results/statistics/architectures.parquet",
    log:
        "results/logs/compare_architectures.log",
    benchmark:
        "results/benchmarks/compare_architectures.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        classification=study.classification.model_dump(mode="json"),
        best_inputs=study.choices("segmentation"),
        alpha=study.statistics.alpha,
        code=code("compare_architectures"),
    script:
        "../scripts/compare_architectures.py"


rule intervals:
    """Estimate intervals of the classification by every network and input configuration; list which overlap."""
    input:
        publication.metrics_files(loaded),
    output:
        intervals="results/statistics/intervals.parquet",
        overlaps="results/statistics/overlaps.parquet",
    log:
        "results/logs/intervals.log",
    benchmark:
        "results/benchmarks/intervals.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        classification=study.classification.model_dump(mode="json"),
        statistics=study.statistics.without_subgroups(),
        code=code("intervals"),
    script:
        "../scripts/intervals.py"


rule compare_paired:
    """Compare models patient by patient: inputs of every network, and the networks with their best inputs."""
    input:
        publication.metrics_files(loaded),
    output:
        dice="results/statistics/paired_dice.parquet",
        friedman="results/statistics/paired_friedman.parquet",
        classification="results/statistics/paired_classification.parquet",
        auroc="results/statistics/paired_auroc.parquet",
    log:
        "results/logs/compare_paired.log",
    benchmark:
        "results/benchmarks/compare_paired.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        classification=study.classification.model_dump(mode="json"),
        segmentation=study.choices("segmentation"),
        judged=study.choices("classification"),
        statistics=study.statistics.without_subgroups(),
        code=code("compare_paired"),
    script:
        "../scripts/compare_paired.py"
