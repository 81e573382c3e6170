# Quality control of the preprocessing: numbers and pictures of every patient, and who stands out. It informs; a flag
# stops nothing. What failed stops what would be made without it.
rule collect_faults:
    """Every registration and brain mask of which nothing can be made."""
    input:
        registrations=used_registrations(),
        masks=expand("results/brain/{batch}/manifest.json", batch=cohort.batches),
    output:
        "results/quality/faults.json",
    log:
        "results/logs/collect_faults.log",
    benchmark:
        "results/benchmarks/collect_faults.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        code=code("collect_faults"),
    script:
        "../scripts/collect_faults.py"


# Apart from collect_faults, so that a failure takes nothing away for which selections, and trainings after them, would be
# made again.
rule check_preprocessing:
    """Fail, with the name of every patient and what to do, until no registration and no brain mask has a fault."""
    input:
        "results/quality/faults.json",
    output:
        "results/quality/sound.json",
    log:
        "results/logs/check_preprocessing.log",
    benchmark:
        "results/benchmarks/check_preprocessing.tsv"
    # What failed does not come right by asking again.
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
    """Numbers and a page of pictures for every patient of a batch."""
    input:
        brain="results/brain/{batch}/manifest.json",
        files=assessed_files,
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
        cases=assessed_cases,
        layout=layout("quality/patient.html", "pages/head.html", "pages/style.css"),
        code=code("assess"),
    script:
        "../scripts/assess.py"


rule assess_cohort:
    """The table of all measures, the flags, and the page that shows whom to look at first."""
    input:
        batches=expand("results/quality/{batch}/manifest.json", batch=cohort.batches),
    output:
        table="results/quality/quality.parquet",
        flags="results/quality/flags.tsv",
        page="results/quality/index.html",
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
        hospitals={patient: split.hospitals[patient] for members in cohort.batches.values() for patient in members},
        layout=layout("quality/index.html", "pages/head.html", "pages/style.css"),
        code=code("assess_cohort"),
    script:
        "../scripts/assess_cohort.py"
