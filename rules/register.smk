# Moving sequences, and labels drawn on them, to the grid of the reference sequence.
rule register:
    """Estimate the transform of one sequence of one patient and resample it."""
    input:
        reference=lambda wildcards: file_of(wildcards.patient, study.sequences.reference),
        moving=lambda wildcards: file_of(wildcards.patient, wildcards.sequence),
        resected=resected_from,
    output:
        image="results/registered/{patient}/{sequence}.nii.gz",
        affine="results/registered/{patient}/{sequence}_affine.mat",
        warp="results/registered/{patient}/{sequence}_warp.nii.gz",
        quality="results/registered/{patient}/{sequence}_quality.json",
    log:
        "results/logs/register/{patient}_{sequence}.log",
    benchmark:
        "results/benchmarks/register/{patient}_{sequence}.tsv"
    conda:
        environment("core")
    threads: 1 if study.registration.reproducible else 4
    resources:
        mem_mb=growing_with_voxels("moving", registering=True),
        runtime=120,
    params:
        settings=lambda wildcards: study.registration_of(wildcards.sequence).model_dump(mode="json"),
        code=code("register", study.registration.modules),
    script:
        "../scripts/register.py"


rule warp_label:
    """Resample a label through the transform of the sequence on which it was drawn."""
    input:
        reference=lambda wildcards: file_of(wildcards.patient, study.sequences.reference),
        label=lambda wildcards: file_of(wildcards.patient, wildcards.label),
        affine=lambda wildcards: registration_of(wildcards.patient, study.labels[wildcards.label], "affine.mat"),
        warp=lambda wildcards: registration_of(wildcards.patient, study.labels[wildcards.label], "warp.nii.gz"),
    output:
        "results/registered/{patient}/{label}.nii.gz",
    log:
        "results/logs/warp_label/{patient}_{label}.log",
    benchmark:
        "results/benchmarks/warp_label/{patient}_{label}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing_with_voxels("label"),
        runtime=20,
    params:
        code=code("warp_label"),
    script:
        "../scripts/warp_label.py"
