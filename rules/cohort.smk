# What the cohort holds, and who trains and who validates.
rule check_cohort:
    """Read every voxel of a batch of patients once: problems, and the volumes of the labels."""
    input:
        lambda wildcards: [file for patient in patients_in(wildcards) for file in files_of(patient).values()],
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
        patients=lambda wildcards: [checked(patient) for patient in patients_in(wildcards)],
        kinds=COLUMN_KINDS,
        code=code("check_cohort"),
    script:
        "../scripts/check_cohort.py"


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
