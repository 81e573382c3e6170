# What the cohort holds, and who trains and who validates.
rule check_cohort:
    """Read every voxel of a batch of patients once: problems, and the volumes of the labels."""
    input:
        lambda wildcards: [file for patient in candidates_in(wildcards) for file in files_of(patient).values()],
    output:
        "results/cohort/checks/{batch}.json",
    log:
        "results/logs/check_cohort/{batch}.log",
    benchmark:
        "results/benchmarks/check_cohort/{batch}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=120,
    params:
        patients=lambda wildcards: [checked(patient) for patient in candidates_in(wildcards)],
        kinds=COLUMN_KINDS,
        drawn_on=DRAWN_ON,
        excluded=lambda wildcards: [p for p in candidates_in(wildcards) if cohort.patients[p].excluded],
        on_invalid=study.on_invalid,
        kept="results/cohort/problems/{batch}.json",
        cache=VOXELS,
        code=code("check_cohort"),
    script:
        "../scripts/check_cohort.py"


rule check_duplicates:
    """Find the same voxels under two patients, wherever they are."""
    input:
        checks=expand("results/cohort/checks/{batch}.json", batch=cohort.candidates),
        folds="results/cohort/folds.json",
    output:
        "results/cohort/duplicates.json",
    log:
        "results/logs/check_duplicates.log",
    benchmark:
        "results/benchmarks/check_duplicates.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        patients=lambda wildcards: [checked(patient) for batch in cohort.candidates.values() for patient in batch],
        excluded=[patient.patient for patient in cohort.patients.values() if patient.excluded],
        on_invalid=study.on_invalid,
        kept="results/cohort/problems/duplicates.json",
        code=code("check_duplicates"),
    script:
        "../scripts/check_duplicates.py"


rule split_folds:
    """Write down who trains, who validates and who is held out, and prove that no hospital is on both sides."""
    input:
        study.cohort,
    output:
        "results/cohort/folds.json",
    log:
        "results/logs/split_folds.log",
    benchmark:
        "results/benchmarks/split_folds.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        split=cohort.split.to_json(),
        code=code("split_folds"),
    script:
        "../scripts/split_folds.py"
