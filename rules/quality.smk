# Quality control of the preprocessing: numbers and pictures of every patient, and who stands out. It informs; a flag
# stops nothing.
ASSESSED = [
    column for column in study.sequences.moving if column in (*study.channels, *map(study.labels.get, study.channels))
]
LABELS_SHOWN = [label for label in study.labels if label == RESIDUAL or label in study.channels]


def assessed_sequences(patient):
    """What the networks see of a patient's registrations: the image as stored, registered, and its numbers."""
    return {
        column: {
            "moving": file_of(patient, column),
            "registered": on_the_reference(patient, column),
            "quality": f"results/registered/{patient}/{column}_quality.json",
        }
        for column in ASSESSED
        if column in files_of(patient)
    }


def assessed_labels(patient):
    """A patient's labels as drawn, and warped where they were drawn on another sequence."""
    shown = [label for label in LABELS_SHOWN if label in files_of(patient)]
    return {
        label: {
            "drawn": file_of(patient, label),
            "warped": None if study.labels[label] == study.sequences.reference else on_the_reference(patient, label),
        }
        for label in shown
    }


def assessed_cases(wildcards):
    """What the quality control of a batch reads."""
    return [
        {
            "patient": patient,
            "reference": file_of(patient, study.sequences.reference),
            "sequences": assessed_sequences(patient),
            "labels": assessed_labels(patient),
        }
        for patient in patients_in(wildcards)
    ]


def assessed_files(wildcards):
    """The same as a list of files."""
    cases = assessed_cases(wildcards)
    parts = [files for case in cases for files in (*case["sequences"].values(), *case["labels"].values())]
    return [case["reference"] for case in cases] + [file for files in parts for file in files.values() if file]


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
        layout=layout("quality/patient.html", "report/style.css"),
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
        layout=layout("quality/index.html", "report/style.css"),
        code=code("assess_cohort"),
    script:
        "../scripts/assess_cohort.py"
