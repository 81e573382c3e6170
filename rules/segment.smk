# From probabilities to masks: one threshold per network and inputs, chosen out of fold.
rule choose_threshold:
    """Choose the threshold that serves the out-of-fold patients best."""
    input:
        predictions=out_of_fold,
        references=lambda wildcards: [
            file_of(patient, RESIDUAL) for patients in validation_by_fold(wildcards).values() for patient in patients
        ],
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
        patients=validation_by_fold,
        postprocessing=study.postprocessing.model_dump(mode="json"),
        classification=study.classification.model_dump(mode="json"),
        code=code("choose_threshold"),
    script:
        "../scripts/choose_threshold.py"


rule segment:
    """Binarise at the threshold and remove small components."""
    input:
        predictions=lambda wildcards: (
            out_of_fold(wildcards)
            if wildcards.split == "validation"
            else [f"results/ensemble/{wildcards.arch}/{wildcards.inputs}/manifest.json"]
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
