# The article's statistics, from the measurements of every patient.
rule compare_inputs:
    """Tukey's range test of the inputs of every network."""
    input:
        metrics_files(),
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
    """Mann-Whitney U test between the networks, each with its best inputs."""
    input:
        [
            f"results/metrics/{arch}/{inputs}.parquet"
            for arch in study.archs
            for inputs in study.candidates("segmentation", arch)
        ],
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
        best_inputs=dict(study.statistics.best_inputs.segmentation),
        alpha=study.statistics.alpha,
        code=code("compare_architectures"),
    script:
        "../scripts/compare_architectures.py"


rule intervals:
    """Intervals of the classification by every network and inputs, and which of them overlap."""
    input:
        metrics_files(),
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
        statistics=study.statistics.model_dump(mode="json"),
        code=code("intervals"),
    script:
        "../scripts/intervals.py"
