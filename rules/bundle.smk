# What a bundle of trained models says of them, for `residua bundle`.
#
# Needs:
#   results/metrics/{arch}/{inputs}.parquet      (measure.smk)
#   results/statistics/intervals.parquet         (statistics.smk)
#   results/quality/quality.parquet              (quality.smk)
# Gives:
#   results/bundles/{arch}/{inputs}.json         settings, population, scores, limits of what the models saw, calibration
rule describe_model:
    """Describe the models to those who will use them; the hold-out gives scores and reaches no limit."""
    input:
        metrics="results/metrics/{arch}/{inputs}.parquet",
        intervals="results/statistics/intervals.parquet",
        quality="results/quality/quality.parquet",
    output:
        "results/bundles/{arch}/{inputs}.json",
    log:
        "results/logs/describe_model/{arch}_{inputs}.log",
    benchmark:
        "results/benchmarks/describe_model/{arch}_{inputs}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        study=lambda wildcards: sharing.settings_of_model(loaded, wildcards.arch, wildcards.inputs),
        images=lambda wildcards: sharing.images_of_model(loaded, wildcards.arch, wildcards.inputs),
        identity=lambda wildcards: sharing.identity_of_model(loaded, wildcards.arch, wildcards.inputs),
        code=code("describe_model"),
    script:
        "../scripts/describe_model.py"
