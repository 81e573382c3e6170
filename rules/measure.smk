# Segmentations against the reference standard, one row per patient.
#
# Needs: the reference standard of the cohort table, and
#   results/segmentations/{arch}/{inputs}/{split}/manifest.json   (segment.smk)
# Gives:
#   results/metrics/{arch}/{inputs}.parquet                       overlap, distances, volumes and lesions
rule measure:
    """Measure every segmentation of one network and input configuration."""
    input:
        # An application has no folds.
        validation=[] if application else "results/segmentations/{arch}/{inputs}/validation/manifest.json",
        test="results/segmentations/{arch}/{inputs}/test/manifest.json",
        references=lambda wildcards: preparation.reference_standards(
            loaded, [case["patient"] for case in patients.measured(loaded, wildcards.arch, wildcards.inputs)]
        ),
    output:
        "results/metrics/{arch}/{inputs}.parquet",
    log:
        "results/logs/measure/{arch}_{inputs}.log",
    benchmark:
        "results/benchmarks/measure/{arch}_{inputs}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=240,
    params:
        cases=lambda wildcards: patients.measured(loaded, wildcards.arch, wildcards.inputs),
        leave_failed_out=loaded.leaves_failed_out,
        code=code("measure"),
    script:
        "../scripts/measure.py"
