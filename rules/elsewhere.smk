# Predictions made elsewhere: networks that this study did not train, judged on the same patients.
#
# Needs: the predictions that the configuration names (elsewhere), and the reference images of the cohort table.
# Gives:
#   results/elsewhere/{arch}/{inputs}/{split}/manifest.json     probability maps (masks: 0 and 1) on the reference grid
rule take_elsewhere:
    """Check the predictions of one network made elsewhere and take them in as probability maps."""
    input:
        predictions=lambda wildcards: elsewhere.predicted_files(loaded, *wildcards),
        references=lambda wildcards: elsewhere.predicted_references(loaded, *wildcards),
        left_out=lambda wildcards: faults.left_out(loaded, faults.SIDE_OF_SPLIT[wildcards.split]),
    output:
        "results/elsewhere/{arch}/{inputs}/{split}/manifest.json",
    log:
        "results/logs/take_elsewhere/{arch}_{inputs}_{split}.log",
    benchmark:
        "results/benchmarks/take_elsewhere/{arch}_{inputs}_{split}.tsv"
    wildcard_constraints:
        arch="|".join(study.elsewhere) or patients.NOBODY,
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=240,
    params:
        patients=lambda wildcards: patients.segmented_of_split(loaded, *wildcards),
        kind=lambda wildcards: study.elsewhere[wildcards.arch].kind,
        code=code("take_elsewhere"),
    script:
        "../scripts/take_elsewhere.py"
