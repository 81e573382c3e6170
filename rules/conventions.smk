# The study's numbers by other conventions of evaluation; nothing where the configuration names none (conventions: []).
#
# Needs: the reference standard of the cohort table, and
#   results/metrics/{arch}/{inputs}.parquet                          (measure.smk)
#   results/segmentations/{arch}/{inputs}/{split}/manifest.json      (segment.smk)
#   results/segmentations/{arch}/{inputs}/threshold.json             (out_of_fold.smk)
#   results/predictions/{arch}/{inputs}/fold{fold}/manifest.json, results/ensemble/{arch}/{inputs}/manifest.json,
#   results/elsewhere/{arch}/{inputs}/{split}/manifest.json          the probability maps
# Gives:
#   results/conventions/{arch}/{inputs}.parquet                      every patient by every convention
#   results/statistics/conventions.parquet                           how far the convention moves each number
rule measure_conventions:
    """Measure every patient of one network and input configuration by other conventions of evaluation."""
    input:
        metrics="results/metrics/{arch}/{inputs}.parquet",
        validation="results/segmentations/{arch}/{inputs}/validation/manifest.json",
        test="results/segmentations/{arch}/{inputs}/test/manifest.json",
        maps_of_validation=lambda wildcards: preparation.predictions_of(
            loaded, wildcards.arch, wildcards.inputs, "validation"
        ),
        maps_of_test=lambda wildcards: preparation.predictions_of(loaded, wildcards.arch, wildcards.inputs, "test"),
        threshold=lambda wildcards: elsewhere.threshold_files(loaded, wildcards.arch, wildcards.inputs),
        references=lambda wildcards: preparation.reference_standards(
            loaded, [case["patient"] for case in patients.measured(loaded, wildcards.arch, wildcards.inputs)]
        ),
    output:
        "results/conventions/{arch}/{inputs}.parquet",
    log:
        "results/logs/measure_conventions/{arch}_{inputs}.log",
    benchmark:
        "results/benchmarks/measure_conventions/{arch}_{inputs}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=720,
    params:
        cases=lambda wildcards: patients.measured(loaded, wildcards.arch, wildcards.inputs),
        conventions=list(conventions.names(loaded)),
        own=conventions.own(loaded),
        judging=lambda wildcards: conventions.judging(loaded, wildcards.arch),
        code=code("measure_conventions"),
    script:
        "../scripts/measure_conventions.py"


rule compare_conventions:
    """Compute the numbers of every network and input configuration by every convention, and their differences."""
    input:
        conventions.measured(loaded),
    output:
        "results/statistics/conventions.parquet",
    log:
        "results/logs/compare_conventions.log",
    benchmark:
        "results/benchmarks/compare_conventions.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        conventions=list(conventions.names(loaded)),
        own=conventions.own(loaded),
        interval_sd_multiplier=study.statistics.interval_sd_multiplier,
        code=code("compare_conventions"),
    script:
        "../scripts/compare_conventions.py"
