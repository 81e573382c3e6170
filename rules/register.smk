# Moving sequences, and labels drawn on them, on the grid of the reference sequence.
#
# Needs: the images and labels that the cohort table names.
# Gives:
#   results/registered/{patient}/{sequence}.nii.gz         the image on the reference grid, in few grey values: for eyes
#   results/registered/{patient}/{sequence}_affine.mat     the transform: its affine part
#   results/registered/{patient}/{sequence}_warp.nii.gz    the transform: its deformation
#   results/registered/{patient}/{sequence}_quality.json   numbers of the match, and the problem, if the scan is unusable
#   results/registered/{patient}/{label}.nii.gz            a label on the reference grid
#
# SyN masks out one label, that of the resected tumour. The job that registers its sequence reads it and so warps it,
# too: if that label changes, this registration runs again and no other. Any other label is warped by a job of its own.
RESECTED = study.registration.ignored
RESECTED_ON = study.labels[RESECTED] if RESECTED else None


rule register:
    """Estimate the transform of one sequence of one patient and resample the image."""
    input:
        reference=lambda wildcards: files.reference_of(loaded, wildcards.patient),
        moving=lambda wildcards: files.file_of(loaded, wildcards.patient, wildcards.sequence),
    output:
        image="results/registered/{patient}/{sequence}.nii.gz",
        affine="results/registered/{patient}/{sequence}_affine.mat",
        warp="results/registered/{patient}/{sequence}_warp.nii.gz",
        quality="results/registered/{patient}/{sequence}_quality.json",
    log:
        "results/logs/register/{patient}_{sequence}.log",
    benchmark:
        "results/benchmarks/register/{patient}_{sequence}.tsv"
    wildcard_constraints:
        sequence=preparation.pattern_of_columns(*(column for column in study.sequences.moving if column != RESECTED_ON)),
    conda:
        environment("core")
    threads: 1 if study.registration.reproducible else 4
    resources:
        mem_mb=growing_with_voxels("moving", lambda wildcards: files.is_large_registration(loaded, wildcards.sequence)),
        runtime=120,
    params:
        settings=lambda wildcards: files.registration_settings(loaded, wildcards.sequence),
        code=code("register", study.registration.modules),
    script:
        "../scripts/register.py"


if RESECTED:

    use rule register as register_without_label with:
        wildcard_constraints:
            sequence=RESECTED_ON,
            patient=patients.pattern_of(patients.patients_without_label(loaded, RESECTED), split.patients),

    rule register_around_resection:
        """Register the sequence that shows the resected tumour around its label, and warp the label."""
        input:
            reference=lambda wildcards: files.reference_of(loaded, wildcards.patient),
            moving=lambda wildcards: files.file_of(loaded, wildcards.patient, RESECTED_ON),
            resected=lambda wildcards: files.file_of(loaded, wildcards.patient, RESECTED),
        output:
            image=f"results/registered/{{patient}}/{RESECTED_ON}.nii.gz",
            affine=f"results/registered/{{patient}}/{RESECTED_ON}_affine.mat",
            warp=f"results/registered/{{patient}}/{RESECTED_ON}_warp.nii.gz",
            quality=f"results/registered/{{patient}}/{RESECTED_ON}_quality.json",
            label=f"results/registered/{{patient}}/{RESECTED}.nii.gz",
        log:
            f"results/logs/register/{{patient}}_{RESECTED_ON}.log",
        benchmark:
            f"results/benchmarks/register/{{patient}}_{RESECTED_ON}.tsv"
        wildcard_constraints:
            patient=patients.pattern_of(patients.patients_with_label(loaded, RESECTED), split.patients),
        conda:
            environment("core")
        threads: 1 if study.registration.reproducible else 4
        resources:
            mem_mb=growing_with_voxels("moving", lambda wildcards: files.is_large_registration(loaded, RESECTED_ON)),
            runtime=120,
        params:
            settings=lambda wildcards: files.registration_settings(loaded, RESECTED_ON),
            code=code("register", study.registration.modules),
        script:
            "../scripts/register.py"


rule warp_label:
    """Resample a label through the transform of the sequence on which it was drawn."""
    input:
        reference=lambda wildcards: files.reference_of(loaded, wildcards.patient),
        label=lambda wildcards: files.file_of(loaded, wildcards.patient, wildcards.label),
        affine=lambda wildcards: files.registration_of(wildcards.patient, study.labels[wildcards.label], "affine.mat"),
        warp=lambda wildcards: files.registration_of(wildcards.patient, study.labels[wildcards.label], "warp.nii.gz"),
    output:
        "results/registered/{patient}/{label}.nii.gz",
    log:
        "results/logs/warp_label/{patient}_{label}.log",
    benchmark:
        "results/benchmarks/warp_label/{patient}_{label}.tsv"
    wildcard_constraints:
        label=preparation.pattern_of_columns(
            *(label for label in study.labels if files.is_moving(loaded, label) and label != RESECTED)
        ),
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
