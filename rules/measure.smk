# Predictions against the reference standard, one row per patient.
rule measure:
    """Measure every segmentation of one network and inputs."""
    input:
        validation="results/segmentations/{arch}/{inputs}/validation/manifest.json",
        test="results/segmentations/{arch}/{inputs}/test/manifest.json",
        references=lambda wildcards: [file_of(patient, RESIDUAL) for patient in cohort.eligible(wildcards.inputs)],
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
        cases=lambda wildcards: [
            {"patient": patient, "hospital": cohort.patients[patient].hospital, "fold": split.fold_of(patient)}
            for patient in cohort.eligible(wildcards.inputs)
        ],
        code=code("measure"),
    script:
        "../scripts/measure.py"
