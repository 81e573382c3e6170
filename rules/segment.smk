# From probabilities to masks: one threshold per network and input configuration, chosen out of fold.
#
# Needs: the reference standard of the cohort table, and
#   results/predictions/{arch}/{inputs}/fold{fold}/manifest.json     (predict.smk)
#   results/ensemble/{arch}/{inputs}/manifest.json                   (predict.smk)
# Gives:
#   results/segmentations/{arch}/{inputs}/threshold.json             the threshold, and the scores of every candidate
#   results/segmentations/{arch}/{inputs}/{split}/manifest.json      the masks
rule choose_threshold:
    """Choose the threshold with the best out-of-fold score."""
    input:
        predictions=lambda wildcards: preparation.out_of_fold_predictions(loaded, wildcards.arch, wildcards.inputs),
        references=lambda wildcards: preparation.validation_references(loaded, wildcards.inputs),
    output:
        "results/segmentations/{arch}/{inputs}/threshold.json",
    log:
        "results/logs/choose_threshold/{arch}_{inputs}.log",
    benchmark:
        "results/benchmarks/choose_threshold/{arch}_{inputs}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=720,
    params:
        patients=lambda wildcards: patients.validation_by_fold(loaded, wildcards.inputs),
        postprocessing=study.postprocessing.model_dump(mode="json"),
        classification=study.classification.model_dump(mode="json"),
        code=code("choose_threshold"),
    script:
        "../scripts/choose_threshold.py"


rule segment:
    """Binarise at the threshold and remove small components."""
    input:
        predictions=lambda wildcards: preparation.predictions_of(
            loaded, wildcards.arch, wildcards.inputs, wildcards.split
        ),
        threshold="results/segmentations/{arch}/{inputs}/threshold.json",
    output:
        "results/segmentations/{arch}/{inputs}/{split}/manifest.json",
    log:
        "results/logs/segment/{arch}_{inputs}_{split}.log",
    benchmark:
        "results/benchmarks/segment/{arch}_{inputs}_{split}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=240,
    params:
        postprocessing=study.postprocessing.model_dump(mode="json"),
        code=code("segment"),
    script:
        "../scripts/segment.py"
