# What each network starts from: one channel at a time, then one manifest per training.
rule prepare:
    """Crop, normalise and resample one channel of a batch of patients for one network."""
    input:
        channels=lambda wildcards: [file_of(patient, RESIDUAL) for patient in patients_in(wildcards)] if wildcards.channel == RESIDUAL else [],
        stripped=lambda wildcards: [] if wildcards.channel == RESIDUAL else f"results/stripped/{wildcards.channel}/{wildcards.batch}/manifest.json",
        brain="results/brain/{batch}/manifest.json",
    output:
        "results/prepared/{arch}/{channel}/{batch}/manifest.json",
    params:
        patients=patients_in,
        is_label=lambda wildcards: is_label(wildcards.channel),
        settings=lambda wildcards: study.settings_of(wildcards.arch).preparation(),
        code=code_of_network("prepare", "prepare"),
    log:
        "results/logs/prepare/{arch}_{channel}_{batch}.log",
    benchmark:
        "results/benchmarks/prepare/{arch}_{channel}_{batch}.tsv"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    conda:
        environment_of
    script:
        "../scripts/prepare.py"


def patients_of_subset(wildcards):
    """Who a fold's training sees (its validation included), or the hold-out."""
    if wildcards.subset == "holdout":
        return {"training": [], "validation": list(cohort.split.holdout)}
    fold = int(wildcards.subset.removeprefix("fold"))
    return {"training": list(cohort.split.training(fold)), "validation": list(cohort.split.validation(fold))}


def channels_of_subset(wildcards):
    """The channels of the inputs, and the reference standard where something is trained."""
    reference_standard = [] if wildcards.subset == "holdout" else [RESIDUAL]
    return [*study.inputs[wildcards.inputs], *reference_standard]


def prepared_manifests(wildcards):
    """The prepared batches of a fold or of the hold-out."""
    patients = [patient for group in patients_of_subset(wildcards).values() for patient in group]
    return [
        f"results/prepared/{wildcards.arch}/{channel}/{batch}/manifest.json"
        for channel in channels_of_subset(wildcards)
        for batch in batches_of(patients)
    ]


rule select_cases:
    """List exactly the channels and patients of one training or of the hold-out, with their digests."""
    input:
        prepared_manifests,
    output:
        "results/prepared/{arch}/{inputs}/{subset}.json",
    params:
        patients=patients_of_subset,
        channels=lambda wildcards: list(study.inputs[wildcards.inputs]),
        labels=lambda wildcards: [is_label(channel) for channel in study.inputs[wildcards.inputs]],
        code=code("select_cases"),
    log:
        "results/logs/select_cases/{arch}_{inputs}_{subset}.log",
    benchmark:
        "results/benchmarks/select_cases/{arch}_{inputs}_{subset}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    conda:
        environment("core")
    script:
        "../scripts/select_cases.py"
