# What each network starts from: one channel at a time, then one manifest per training.
rule sample:
    """Bring one channel of a batch of patients from its own voxels to the grid of one network, by one interpolation."""
    input:
        channels=lambda wildcards: [file_of(patient, wildcards.channel) for patient in patients_in(wildcards)],
        affines=lambda wildcards: registrations_of(wildcards, "affine.mat"),
        warps=lambda wildcards: registrations_of(wildcards, "warp.nii.gz"),
        registrations=lambda wildcards: registrations_of(wildcards, "quality.json"),
        brain="results/brain/{batch}/manifest.json",
    output:
        "results/sampled/{arch}/{channel}/{batch}/manifest.json",
    log:
        "results/logs/sample/{arch}_{channel}_{batch}.log",
    benchmark:
        "results/benchmarks/sample/{arch}_{channel}_{batch}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=60,
    params:
        patients=patients_in,
        # The reference standard counts wherever it was drawn.
        sampling=lambda wildcards: {
            "is_label": is_label(wildcards.channel),
            "in_brain": wildcards.channel != RESIDUAL,
            "interpolation": study.registration.interpolation,
        },
        settings=lambda wildcards: study.settings_of(wildcards.arch).preparation().model_dump(mode="json"),
        code=code_of_network("sample", "target"),
    script:
        "../scripts/sample.py"


rule prepare:
    """Crop, normalise and resample one channel of a batch of patients for one network."""
    input:
        channels=lambda wildcards: (
            [] if made_for(wildcards) else [file_of(patient, RESIDUAL) for patient in patients_in(wildcards)]
        ),
        made=lambda wildcards: made_for(wildcards),
        brain="results/brain/{batch}/manifest.json",
    output:
        "results/prepared/{arch}/{channel}/{batch}/manifest.json",
    log:
        "results/logs/prepare/{arch}_{channel}_{batch}.log",
    benchmark:
        "results/benchmarks/prepare/{arch}_{channel}_{batch}.tsv"
    conda:
        environment_of
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=120,
    params:
        patients=patients_in,
        is_label=lambda wildcards: is_label(wildcards.channel),
        sampled=SAMPLED,
        settings=lambda wildcards: study.settings_of(wildcards.arch).preparation().model_dump(mode="json"),
        code=code_of_network("prepare", "prepare"),
    script:
        "../scripts/prepare.py"


rule select_cases:
    """List exactly the channels and patients of one training or of the hold-out, with their digests."""
    input:
        prepared=prepared_manifests,
        # Sound data is what a selection waits for, not what it is made of: a stricter check repeats no training.
        checks=lambda wildcards: [
            ancient(f"results/cohort/checks/{batch}.json") for batch in batches_of_subset(wildcards)
        ],
        # Like the checks, these are waited for and no part of the selection.
        faults=ancient("results/quality/faults.json"),
    output:
        "results/prepared/{arch}/{inputs}/{subset}.json",
    log:
        "results/logs/select_cases/{arch}_{inputs}_{subset}.log",
    benchmark:
        "results/benchmarks/select_cases/{arch}_{inputs}_{subset}.tsv"
    # While something has a fault, asking again changes nothing.
    retries: 0
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        patients=patients_of_subset,
        channels=lambda wildcards: [
            {"name": channel, "is_label": is_label(channel)} for channel in study.inputs[wildcards.inputs]
        ],
        code=code("select_cases"),
    script:
        "../scripts/select_cases.py"
