# What the cohort holds, and who trains, who validates and who is held out.
#
# Needs: the cohort table and every file that it names, and with on_fault: exclude
#   results/quality/left_out/{side}.json (quality.smk)
# Gives:
#   results/cohort/checks/{batch}.json   problems of a batch of patients, and the volumes of their labels
#   results/cohort/duplicates.json       the proof that no image belongs to two patients
#   results/cohort/folds.json            the folds and the hold-out, and the proof that no hospital is on two sides
#   results/cohort/planned_folds.json    with on_fault: exclude, the same with the patients who are then left out
rule check_cohort:
    """Read every voxel of a batch of patients once; list problems and the volumes of the labels."""
    input:
        lambda wildcards: patients.files_to_check(loaded, wildcards.batch),
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
        patients=lambda wildcards: [
            patients.checked(loaded, patient) for patient in patients.candidates_in(loaded, wildcards.batch)
        ],
        kinds=kinds_of(study),
        drawn_on=drawn_on(study),
        excluded=lambda wildcards: patients.excluded_in(loaded, wildcards.batch),
        on_invalid=study.on_invalid,
        kept="results/cohort/problems/{batch}.json",
        cache=VOXELS,
        code=code("check_cohort"),
    script:
        "../scripts/check_cohort.py"


rule check_duplicates:
    """Find images that two patients share, in any batch."""
    input:
        checks=expand("results/cohort/checks/{batch}.json", batch=cohort.candidates),
        folds=faults.planned_folds(loaded),
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
        patients=lambda wildcards: [
            patients.checked(loaded, patient) for batch in cohort.candidates.values() for patient in batch
        ],
        excluded=[patient.patient for patient in cohort.patients.values() if patient.excluded],
        on_invalid=study.on_invalid,
        kept="results/cohort/problems/duplicates.json",
        before_surgery=before_surgery(study),
        code=code("check_duplicates"),
    script:
        "../scripts/check_duplicates.py"


rule split_folds:
    """Write who trains, who validates and who is held out, and prove that no hospital is on both sides."""
    input:
        # ancient: what of the table concerns the split is in params, and another age or grade changes none.
        ancient(table_file(study.cohort)),
        left_out=faults.left_out(loaded),
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


if faults.leaves_out(loaded):

    use rule split_folds as plan_folds with:
        input:
            ancient(table_file(study.cohort)),
        output:
            faults.planned_folds(loaded),
        log:
            "results/logs/plan_folds.log",
        benchmark:
            "results/benchmarks/plan_folds.tsv"
