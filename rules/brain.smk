# Brain masks of the reference sequence, and every channel without what is not brain.
#
# Needs: the images of the cohort table (and its brain masks: method given) and, of register.smk:
#   results/registered/{patient}/{sequence}_affine.mat, {sequence}_warp.nii.gz, {sequence}_quality.json
#   results/registered/{patient}/{label}.nii.gz
# Gives:
#   results/brain/{batch}/manifest.json                a brain mask of every patient of a batch
#   results/stripped/{channel}/{batch}/manifest.json   a channel of every patient of a batch, zero outside the brain
rule mask_brain:
    """Extract the brains of a batch of patients."""
    input:
        references=lambda wildcards: preparation.reference_files(loaded, wildcards.batch),
        given=lambda wildcards: preparation.given_masks(loaded, wildcards.batch),
    output:
        "results/brain/{batch}/manifest.json",
    log:
        "results/logs/mask_brain/{batch}.log",
    benchmark:
        "results/benchmarks/mask_brain/{batch}.tsv"
    conda:
        environment(study.brain_mask.environment)
    threads: 2
    resources:
        mem_mb=growing(8000),
        # HD-BET takes minutes a patient on processors.
        runtime=480 if study.brain_mask.method == "hd-bet" else 120,
    params:
        patients=lambda wildcards: patients.patients_in(loaded, wildcards.batch),
        settings=study.brain_mask.extraction(),
        code=code("mask_brain", study.brain_mask.modules),
        # The package's own weights are no code, and masks depend on them.
        weights=layout("brain/weights/brain.json") if study.brain_mask.has_packaged_network else [],
    script:
        "../scripts/mask_brain.py"


rule strip:
    """Bring one channel of a batch of patients to the reference grid, and set everything outside the brain to zero."""
    input:
        images=lambda wildcards: preparation.channel_to_strip(loaded, wildcards.channel, wildcards.batch),
        references=lambda wildcards: preparation.references_of_moved(loaded, wildcards.channel, wildcards.batch),
        affines=lambda wildcards: preparation.transforms_of_moved(
            loaded, wildcards.channel, wildcards.batch, "affine.mat"
        ),
        warps=lambda wildcards: preparation.transforms_of_moved(
            loaded, wildcards.channel, wildcards.batch, "warp.nii.gz"
        ),
        registrations=lambda wildcards: preparation.channel_registrations(
            loaded, wildcards.channel, wildcards.batch, "quality.json"
        ),
        brain="results/brain/{batch}/manifest.json",
    output:
        "results/stripped/{channel}/{batch}/manifest.json",
    log:
        "results/logs/strip/{channel}_{batch}.log",
    benchmark:
        "results/benchmarks/strip/{channel}_{batch}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=60,
    params:
        patients=lambda wildcards: patients.patients_with(loaded, wildcards.channel, wildcards.batch),
        interpolation=study.registration.interpolation,
        code=code("strip"),
    script:
        "../scripts/strip.py"
