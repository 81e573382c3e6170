# Who took part, who was left out and why, and what the images are like.
LEFT_OUT = {
    patient.patient: {
        "hospital": patient.hospital,
        "exclusion_reason": patient.exclusion_reason,
        "excluded_by": patient.excluded_by,
    }
    for patient in cohort.patients.values()
    if patient.excluded
}
LACKING = {inputs: sorted(set(split.patients) - set(cohort.eligible(inputs))) for inputs in study.inputs}


rule participant_flow:
    """Count who was assessed, left out and why, and included in which fold or the hold-out; prove that it adds up."""
    input:
        checks=expand("results/cohort/checks/{batch}.json", batch=cohort.batches),
        folds="results/cohort/folds.json",
    output:
        "results/cohort/flow.json",
    log:
        "results/logs/participant_flow.log",
    benchmark:
        "results/benchmarks/participant_flow.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        left_out=LEFT_OUT,
        lacking=LACKING,
        residual_tumor_ml=study.classification.residual_tumor_ml,
        code=code("participant_flow"),
    script:
        "../scripts/participant_flow.py"


rule flow_figure:
    """The participant flow as a figure."""
    input:
        "results/cohort/flow.json",
    output:
        pdf="results/figures/flow.pdf",
        png="results/figures/flow.png",
        txt="results/figures/flow.txt",
    log:
        "results/logs/flow_figure.log",
    benchmark:
        "results/benchmarks/flow_figure.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("flow_figure"),
    script:
        "../scripts/flow_figure.py"


rule table_s2:
    """Table S2: the grids and voxel sizes of every sequence."""
    input:
        checks=expand("results/cohort/checks/{batch}.json", batch=cohort.batches),
        folds="results/cohort/folds.json",
    output:
        **table_files("table_s2"),
    log:
        "results/logs/table_s2.log",
    benchmark:
        "results/benchmarks/table_s2.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        sequences=list(study.images),
        code=code("table_s2"),
    script:
        "../scripts/table_s2.py"
