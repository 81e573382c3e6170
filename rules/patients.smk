# What a reader gets of every new patient: maps, record, page and sheet, and one table of all.
#
# Needs:
#   results/patients.json                                            (application.smk)
#   results/ensemble/{arch}/{inputs}/manifest.json                   (predict.smk)
#   results/segmentations/{arch}/{inputs}/test/manifest.json         (segment.smk)
#   results/segmentations/{arch}/{inputs}/members/manifest.json      (segment.smk)
#   results/resection/{arch}/{inputs}.json                           (before.smk)
#   results/before_surgery/{arch}/{inputs}/manifest.json             (before.smk)
#   results/brain/{batch}/manifest.json                              (brain.smk)
#   results/quality/{batch}/manifest.json                            (quality.smk)
# Gives:
#   results/patients/{patient}/manifest.json      prediction.json, report.html, report.pdf and the maps of a patient
#   results/patients.tsv                          one row per patient
rule report_patient:
    """Put together what there is of a patient: maps, numbers with their uncertainty, warnings, page and sheet."""
    input:
        outcomes="results/patients.json",
        probabilities=lambda wildcards: reporting.of_model(
            loaded, wildcards.patient, "results/ensemble/{arch}/{inputs}/manifest.json"
        ),
        masks=lambda wildcards: reporting.of_model(
            loaded, wildcards.patient, "results/segmentations/{arch}/{inputs}/test/manifest.json"
        ),
        members=lambda wildcards: reporting.of_model(
            loaded, wildcards.patient, "results/segmentations/{arch}/{inputs}/members/manifest.json"
        ),
        resections=lambda wildcards: reporting.of_model(
            loaded, wildcards.patient, "results/resection/{arch}/{inputs}.json"
        ),
        brought_back=lambda wildcards: reporting.brought_back(loaded, wildcards.patient),
        quality=lambda wildcards: reporting.quality_of(loaded, wildcards.patient),
        brain=lambda wildcards: reporting.brain_of(loaded, wildcards.patient),
        images=lambda wildcards: list(reporting.shown_images(loaded, wildcards.patient).values()),
    output:
        "results/patients/{patient}/manifest.json",
    log:
        "results/logs/report_patient/{patient}.log",
    benchmark:
        "results/benchmarks/report_patient/{patient}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=20,
    params:
        images=lambda wildcards: reporting.shown_images(loaded, wildcards.patient),
        before=lambda wildcards: reporting.scan_before(loaded, wildcards.patient),
        bundle=lambda wildcards: reporting.described(loaded, wildcards.patient),
        layout=layout("inference/patient.html", "pages/head.html", "pages/style.css"),
        code=code("report_patient"),
    script:
        "../scripts/report_patient.py"


rule tabulate_patients:
    """Write one table of all patients."""
    input:
        [f"results/patients/{patient}/manifest.json" for patient in loaded.cohort.patients],
    output:
        "results/patients.tsv",
    log:
        "results/logs/tabulate_patients.log",
    benchmark:
        "results/benchmarks/tabulate_patients.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        code=code("tabulate_patients"),
    script:
        "../scripts/tabulate_patients.py"
