# Quality control of the preprocessing: failures, numbers and pictures of every patient, and outliers.
#
# Needs: the images and labels of the cohort table, and
#   results/registered/{patient}/{sequence}.nii.gz, {sequence}_quality.json, {label}.nii.gz   (register.smk)
#   results/brain/{batch}/manifest.json                                                       (brain.smk)
# Gives:
#   results/quality/failures.json           every unusable registration and brain mask
#   results/quality/sound.json              the proof that there is none, or few enough to leave out; trainings wait for it
#   results/quality/left_out/{side}.json    with on_fault: exclude, the patients who are left out of the folds or hold-out
#   results/quality/{batch}/manifest.json   numbers and a page of pictures for every patient of a batch
#   results/quality/quality.parquet         the numbers of all patients
#   results/quality/flags.tsv               what stands out; a flag informs and stops nothing
#   results/quality/index.html              the page to begin with
rule collect_failures:
    """Collect every unusable registration and brain mask."""
    input:
        registrations=quality.used_registrations(loaded),
        masks=expand("results/brain/{batch}/manifest.json", batch=cohort.batches),
    output:
        "results/quality/failures.json",
    log:
        "results/logs/collect_failures.log",
    benchmark:
        "results/benchmarks/collect_failures.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        limits=faults.limits(loaded),
        code=code("collect_failures"),
    script:
        "../scripts/collect_failures.py"


# Apart from collect_failures, because Snakemake deletes the outputs of a job that fails, and would repeat all that depends
# on them: selections, and the trainings after them.
rule check_preprocessing:
    """Fail while a registration or brain mask has failed, or more than may be left out; name every such patient."""
    input:
        "results/quality/failures.json",
    output:
        "results/quality/sound.json",
    log:
        "results/logs/check_preprocessing.log",
    benchmark:
        "results/benchmarks/check_preprocessing.tsv"
    # A retry cannot remove a failure.
    retries: 0
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("check_preprocessing"),
    script:
        "../scripts/check_preprocessing.py"


if faults.leaves_out(loaded):

    rule leave_out:
        """Name the patients of one side of the split who are left out because a registration or brain mask failed."""
        input:
            registrations=lambda wildcards: faults.registrations(loaded, wildcards.side),
            masks=lambda wildcards: faults.brains(loaded, wildcards.side),
        output:
            "results/quality/left_out/{side}.json",
        log:
            "results/logs/leave_out/{side}.log",
        benchmark:
            "results/benchmarks/leave_out/{side}.tsv"
        wildcard_constraints:
            side="|".join(faults.SIDES),
        conda:
            environment("core")
        threads: 1
        resources:
            mem_mb=1000,
            runtime=20,
        params:
            hospitals=lambda wildcards: faults.members(loaded, wildcards.side),
            code=code("leave_out"),
        script:
            "../scripts/leave_out.py"


rule assess:
    """Measure the preprocessing of every patient of a batch, and make a page of pictures."""
    input:
        brain="results/brain/{batch}/manifest.json",
        files=lambda wildcards: quality.assessed_files(loaded, wildcards.batch),
    output:
        "results/quality/{batch}/manifest.json",
    log:
        "results/logs/assess/{batch}.log",
    benchmark:
        "results/benchmarks/assess/{batch}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=120,
    params:
        cases=lambda wildcards: quality.assessed_cases(loaded, wildcards.batch),
        layout=layout("quality/patient.html", "pages/head.html", "pages/style.css"),
        code=code("assess"),
    script:
        "../scripts/assess.py"


rule assess_cohort:
    """Tabulate all measures, flag outliers, and make the page that lists flagged patients first."""
    input:
        batches=expand("results/quality/{batch}/manifest.json", batch=cohort.batches),
    output:
        table="results/quality/quality.parquet",
        flags="results/quality/flags.tsv",
        page=report("results/quality/index.html", caption="captions/quality.rst", category="Pages"),
    log:
        "results/logs/assess_cohort.log",
    benchmark:
        "results/benchmarks/assess_cohort.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        batches=list(cohort.batches),
        hospitals=patients.hospitals_of_patients(loaded),
        most_excluded=study.most_excluded if faults.leaves_out(loaded) else None,
        layout=layout("quality/index.html", "pages/head.html", "pages/style.css"),
        code=code("assess_cohort"),
    script:
        "../scripts/assess_cohort.py"
