# From probabilities to masks, by the threshold of each network and input configuration.
#
# Needs:
#   results/predictions/{arch}/{inputs}/fold{fold}/manifest.json     (out_of_fold.smk)
#   results/ensemble/{arch}/{inputs}/manifest.json                   (predict.smk)
#   results/segmentations/{arch}/{inputs}/threshold.json             (out_of_fold.smk, or application.smk)
#   results/elsewhere/{arch}/{inputs}/{split}/manifest.json          (elsewhere.smk)
# Gives:
#   results/segmentations/{arch}/{inputs}/{split}/manifest.json      the masks
#   results/segmentations/{arch}/{inputs}/members/manifest.json      how far the models of the ensemble disagree
rule segment:
    """Binarise at the threshold and remove small components."""
    input:
        predictions=lambda wildcards: preparation.predictions_of(
            loaded, wildcards.arch, wildcards.inputs, wildcards.split
        ),
        threshold=lambda wildcards: elsewhere.threshold_files(loaded, wildcards.arch, wildcards.inputs),
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
        given=lambda wildcards: elsewhere.given_threshold(loaded, wildcards.arch),
        postprocessing=lambda wildcards: elsewhere.postprocessing_of(loaded, wildcards.arch),
        code=code("segment"),
    script:
        "../scripts/segment.py"


rule compare_members:
    """Measure what each model of the ensemble finds alone, and how far the models disagree."""
    input:
        ensemble="results/ensemble/{arch}/{inputs}/manifest.json",
        threshold="results/segmentations/{arch}/{inputs}/threshold.json",
    output:
        "results/segmentations/{arch}/{inputs}/members/manifest.json",
    log:
        "results/logs/compare_members/{arch}_{inputs}.log",
    benchmark:
        "results/benchmarks/compare_members/{arch}_{inputs}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=240,
    params:
        postprocessing=study.postprocessing.model_dump(mode="json"),
        code=code("compare_members"),
    script:
        "../scripts/compare_members.py"
