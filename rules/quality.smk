# Quality control of the preprocessing: failures, numbers and pictures of every patient, and outliers.
#
# Needs: the images and labels of the cohort table, and
#   results/registered/{patient}/{sequence}.nii.gz, {sequence}_quality.json, {label}.nii.gz   (register.smk)
#   results/brain/{batch}/manifest.json                                                       (brain.smk)
# Gives:
#   results/quality/failures.json             every unusable registration and brain mask
#   results/quality/sound.json              the proof that there is none; trainings wait for the failures to be corrected
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
        code=code("collect_failures"),
    script:
        "../scripts/collect_failures.py"


# Apart from collect_failures, because Snakemake deletes the outputs of a job that fails, and would repeat all that depends
# on them: selections, and the trainings after them.
rule check_preprocessing:
    """Fail while a registration or brain mask has failed; name every such patient and the remedy."""
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
        layout=layout("quality/index.html", "pages/head.html", "pages/style.css"),
        code=code("assess_cohort"),
    script:
        "../scripts/assess_cohort.py"
