# Who took part, who was excluded and why, and the voxel sizes of the images.
#
# Needs:
#   results/cohort/checks/{batch}.json, results/cohort/folds.json   (cohort.smk)
# Gives:
#   results/cohort/flow.json                        patients assessed, excluded (with the reason) and included
#   results/figures/flow.{pdf,png,txt}              the participant flow, and its caption
#   results/tables/table_s2.{csv,md,tex,html}       grids and voxel sizes
#   results/tables/baseline.{csv,md,tex,html}       patients, scanners and volumes by set and hospital
rule participant_flow:
    """Count patients assessed, excluded and included, by fold and hold-out; prove that the numbers add up."""
    input:
        checks=expand("results/cohort/checks/{batch}.json", batch=cohort.batches),
        folds="results/cohort/folds.json",
        left_out=faults.left_out(loaded),
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
        left_out=patients.excluded(loaded),
        lacking=patients.incomplete(loaded),
        residual_tumor_ml=study.classification.residual_tumor_ml,
        code=code("participant_flow"),
    script:
        "../scripts/participant_flow.py"


rule flow_figure:
    """Draw the participant flow."""
    input:
        "results/cohort/flow.json",
    output:
        pdf="results/figures/flow.pdf",
        png=report("results/figures/flow.png", caption="captions/figure.rst", category="Figures"),
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
    """Make Table S2: the grids and voxel sizes of every sequence."""
    input:
        checks=expand("results/cohort/checks/{batch}.json", batch=cohort.batches),
        folds="results/cohort/folds.json",
    output:
        csv="results/tables/table_s2.csv",
        md="results/tables/table_s2.md",
        tex="results/tables/table_s2.tex",
        html=report("results/tables/table_s2.html", caption="captions/table.rst", category="Tables"),
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


rule table_baseline:
    """Make the table of baseline characteristics: patients, scanners and volumes, by set and by hospital."""
    input:
        checks=expand("results/cohort/checks/{batch}.json", batch=cohort.batches),
        folds="results/cohort/folds.json",
    output:
        csv="results/tables/baseline.csv",
        md="results/tables/baseline.md",
        tex="results/tables/baseline.tex",
        html=report("results/tables/baseline.html", caption="captions/table.rst", category="Tables"),
    log:
        "results/logs/table_baseline.log",
    benchmark:
        "results/benchmarks/table_baseline.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        clinical=patients.clinical(loaded),
        reference=study.sequences.reference,
        resected=study.resected,
        code=code("table_baseline"),
    script:
        "../scripts/table_baseline.py"
