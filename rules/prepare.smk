# What each network starts from: one channel at a time, then one list of cases per training.
#
# Needs: the images and labels of the cohort table, and
#   results/stripped/{channel}/{batch}/manifest.json   (brain.smk; preparation: paper)
#   results/registered/{patient}/{sequence}_affine.mat, {sequence}_warp.nii.gz, {sequence}_quality.json
#                                                      (register.smk; preparation: composed)
#   results/brain/{batch}/manifest.json                (brain.smk)
#   results/cohort/checks/{batch}.json                 (cohort.smk)
#   results/registered/{patient}/{label}.nii.gz        (register.smk; networks that see a region)
#   results/quality/failures.json, left_out/{side}.json  (quality.smk)
# Gives:
#   results/sampled/{arch}/{channel}/{batch}/manifest.json    a channel on a network's grid (preparation: composed)
#   results/prepared/{arch}/{channel}/{batch}/manifest.json   a channel cropped, normalised, on a network's grid
#   results/prepared/{arch}/{inputs}/{subset}.json            the channels and patients of a training, or the hold-out
#
# A channel is prepared by one of four rules: as it was drawn, stripped, sampled, or computed from two that were stripped or
# sampled.
rule sample:
    """Bring one channel of a batch of patients from its own voxels to the grid of one network, by one interpolation."""
    input:
        channels=lambda wildcards: preparation.channel_files(loaded, wildcards.channel, wildcards.batch),
        affines=lambda wildcards: preparation.channel_registrations(
            loaded, wildcards.channel, wildcards.batch, "affine.mat"
        ),
        warps=lambda wildcards: preparation.channel_registrations(
            loaded, wildcards.channel, wildcards.batch, "warp.nii.gz"
        ),
        registrations=lambda wildcards: preparation.channel_registrations(
            loaded, wildcards.channel, wildcards.batch, "quality.json"
        ),
        brain="results/brain/{batch}/manifest.json",
        regions=lambda wildcards: preparation.region_labels(loaded, wildcards.arch, wildcards.channel, wildcards.batch),
        region_registrations=lambda wildcards: preparation.region_registrations(
            loaded, wildcards.arch, wildcards.channel, wildcards.batch
        ),
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
        patients=lambda wildcards: patients.patients_with(loaded, wildcards.channel, wildcards.batch),
        sampling=lambda wildcards: preparation.sampling(loaded, wildcards.channel),
        framed=lambda wildcards: preparation.framed(loaded, wildcards.arch, wildcards.channel, wildcards.batch),
        settings=lambda wildcards: preparation.preparation_settings(loaded, wildcards.arch),
        code=code_of_network("sample", "target"),
    script:
        "../scripts/sample.py"


rule prepare_reference_standard:
    """Crop and resample the reference standard of a batch of patients, as it was drawn, for one network."""
    input:
        drawn=lambda wildcards: preparation.channel_files(loaded, wildcards.channel, wildcards.batch),
        brain="results/brain/{batch}/manifest.json",
        regions=lambda wildcards: preparation.region_labels(loaded, wildcards.arch, wildcards.channel, wildcards.batch),
        region_registrations=lambda wildcards: preparation.region_registrations(
            loaded, wildcards.arch, wildcards.channel, wildcards.batch
        ),
    output:
        "results/prepared/{arch}/{channel}/{batch}/manifest.json",
    log:
        "results/logs/prepare/{arch}_{channel}_{batch}.log",
    benchmark:
        "results/benchmarks/prepare/{arch}_{channel}_{batch}.tsv"
    wildcard_constraints:
        channel=preparation.drawn_channels(loaded),
    conda:
        environment_of
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=120,
    params:
        patients=lambda wildcards: patients.patients_with(loaded, wildcards.channel, wildcards.batch),
        is_label=lambda wildcards: preparation.is_label(loaded, wildcards.channel),
        sampled=False,
        framed=lambda wildcards: preparation.framed(loaded, wildcards.arch, wildcards.channel, wildcards.batch),
        settings=lambda wildcards: preparation.preparation_settings(loaded, wildcards.arch),
        code=code_of_network("prepare", "prepare"),
    script:
        "../scripts/prepare.py"


rule prepare_stripped:
    """Crop, normalise and resample one stripped channel of a batch of patients for one network."""
    input:
        made="results/stripped/{channel}/{batch}/manifest.json",
        brain="results/brain/{batch}/manifest.json",
        regions=lambda wildcards: preparation.region_labels(loaded, wildcards.arch, wildcards.channel, wildcards.batch),
        region_registrations=lambda wildcards: preparation.region_registrations(
            loaded, wildcards.arch, wildcards.channel, wildcards.batch
        ),
    output:
        "results/prepared/{arch}/{channel}/{batch}/manifest.json",
    log:
        "results/logs/prepare/{arch}_{channel}_{batch}.log",
    benchmark:
        "results/benchmarks/prepare/{arch}_{channel}_{batch}.tsv"
    wildcard_constraints:
        channel=preparation.stripped_channels(loaded),
    conda:
        environment_of
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=120,
    params:
        patients=lambda wildcards: patients.patients_with(loaded, wildcards.channel, wildcards.batch),
        is_label=lambda wildcards: preparation.is_label(loaded, wildcards.channel),
        sampled=False,
        framed=lambda wildcards: preparation.framed(loaded, wildcards.arch, wildcards.channel, wildcards.batch),
        settings=lambda wildcards: preparation.preparation_settings(loaded, wildcards.arch),
        code=code_of_network("prepare", "prepare"),
    script:
        "../scripts/prepare.py"


rule prepare_sampled:
    """Crop and normalise one channel of a batch of patients that lies on the grid of one network."""
    input:
        made="results/sampled/{arch}/{channel}/{batch}/manifest.json",
        brain="results/brain/{batch}/manifest.json",
        regions=lambda wildcards: preparation.region_labels(loaded, wildcards.arch, wildcards.channel, wildcards.batch),
        region_registrations=lambda wildcards: preparation.region_registrations(
            loaded, wildcards.arch, wildcards.channel, wildcards.batch
        ),
    output:
        "results/prepared/{arch}/{channel}/{batch}/manifest.json",
    log:
        "results/logs/prepare/{arch}_{channel}_{batch}.log",
    benchmark:
        "results/benchmarks/prepare/{arch}_{channel}_{batch}.tsv"
    wildcard_constraints:
        channel=preparation.sampled_channels(loaded),
    conda:
        environment_of
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=120,
    params:
        patients=lambda wildcards: patients.patients_with(loaded, wildcards.channel, wildcards.batch),
        is_label=lambda wildcards: preparation.is_label(loaded, wildcards.channel),
        sampled=True,
        framed=lambda wildcards: preparation.framed(loaded, wildcards.arch, wildcards.channel, wildcards.batch),
        settings=lambda wildcards: preparation.preparation_settings(loaded, wildcards.arch),
        code=code_of_network("prepare", "prepare"),
    script:
        "../scripts/prepare.py"


rule prepare_derived:
    """Compute a channel of a batch of patients from two others, and crop, normalise and resample it for one network."""
    input:
        sources=lambda wildcards: preparation.sources_of(loaded, wildcards.arch, wildcards.channel, wildcards.batch),
        brain="results/brain/{batch}/manifest.json",
        regions=lambda wildcards: preparation.region_labels(loaded, wildcards.arch, wildcards.channel, wildcards.batch),
        region_registrations=lambda wildcards: preparation.region_registrations(
            loaded, wildcards.arch, wildcards.channel, wildcards.batch
        ),
    output:
        "results/prepared/{arch}/{channel}/{batch}/manifest.json",
    log:
        "results/logs/prepare/{arch}_{channel}_{batch}.log",
    benchmark:
        "results/benchmarks/prepare/{arch}_{channel}_{batch}.tsv"
    wildcard_constraints:
        channel=preparation.derived_channels(loaded),
    conda:
        environment_of
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=120,
    params:
        patients=lambda wildcards: patients.patients_with(loaded, wildcards.channel, wildcards.batch),
        definition=lambda wildcards: study.definition_of(wildcards.channel),
        sampled=preparation.is_composed(loaded),
        framed=lambda wildcards: preparation.framed(loaded, wildcards.arch, wildcards.channel, wildcards.batch),
        settings=lambda wildcards: preparation.preparation_settings(loaded, wildcards.arch),
        code=code_of_network("prepare_derived", "prepare"),
    script:
        "../scripts/prepare_derived.py"


rule select_cases:
    """List exactly the channels and patients of one training or of the hold-out, with their digests."""
    input:
        prepared=lambda wildcards: preparation.prepared_manifests(
            loaded, wildcards.arch, wildcards.inputs, wildcards.subset
        ),
        # ancient: wait for the checks and the failures without depending on their content, so that a stricter check
        # repeats no training.
        checks=lambda wildcards: [
            ancient(f"results/cohort/checks/{batch}.json")
            for batch in patients.batches_of_subset(loaded, wildcards.arch, wildcards.inputs, wildcards.subset)
        ],
        failures=ancient("results/quality/failures.json"),
        left_out=lambda wildcards: faults.left_out_of_subset(loaded, wildcards.subset),
    output:
        "results/prepared/{arch}/{inputs}/{subset}.json",
    log:
        "results/logs/select_cases/{arch}_{inputs}_{subset}.log",
    benchmark:
        "results/benchmarks/select_cases/{arch}_{inputs}_{subset}.tsv"
    # A retry cannot remove a failure.
    retries: 0
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        patients=lambda wildcards: patients.patients_of_subset(
            loaded, wildcards.arch, wildcards.inputs, wildcards.subset
        ),
        leave_failed_out=loaded.leaves_failed_out,
        lacking=lambda wildcards: loaded.lacking_of(wildcards.arch, wildcards.inputs),
        channels=lambda wildcards: preparation.channel_records(loaded, wildcards.inputs),
        persons=lambda wildcards: patients.persons_of_training(
            loaded, wildcards.arch, wildcards.inputs, wildcards.subset
        ),
        code=code("select_cases"),
    script:
        "../scripts/select_cases.py"
