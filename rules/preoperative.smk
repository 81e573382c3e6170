# The start of networks with init: preoperative: a network of the scan before surgery and its tumour, one for each fold.
#
# Needs: the scans before surgery and the masks drawn on them of the cohort table, and
#   results/cohort/checks/{batch}.json                (cohort.smk)
#   results/quality/left_out/folds.json               (quality.smk; on_fault: exclude)
#   results/brain/{batch}/manifest.json, results/registered/{patient}/{sequence}_affine.mat, _warp.nii.gz, _quality.json
#                                                     (brain.smk, register.smk; brain_mask: given)
# Gives:
#   results/preoperative/brain/{batch}/manifest.json                       brain masks on the scans before surgery
#   results/preoperative/prepared/{arch}/{channel}/{batch}/manifest.json   scans and tumours as the network sees them
#   results/preoperative/prepared/{arch}/fold{fold}.json                   training patients of a fold who have both
#   results/models/{arch}/pre-operative/fold{fold}/manifest.json           the network from which the fold's trainings start
#
# Each scan stays in its own space. A fold sees its own training patients alone: nobody of its validation, nor the hold-out.
BEFORE, TUMOR_BEFORE = preoperative.scan_and_tumor(loaded)
STARTING_BEFORE = "|".join(preoperative.archs(loaded))


if study.brain_mask.method == "given":

    rule bring_back_brain:
        """Bring the brain masks of a batch, which lie on the reference, back to the scans before surgery."""
        input:
            masks="results/brain/{batch}/manifest.json",
            moving=lambda wildcards: preoperative.files_of_batch(loaded, wildcards.batch, BEFORE),
            affines=lambda wildcards: preoperative.registrations_of_batch(loaded, wildcards.batch, "affine.mat"),
            warps=lambda wildcards: preoperative.registrations_of_batch(loaded, wildcards.batch, "warp.nii.gz"),
            qualities=lambda wildcards: preoperative.registrations_of_batch(loaded, wildcards.batch, "quality.json"),
        output:
            "results/preoperative/brain/{batch}/manifest.json",
        log:
            "results/logs/bring_back_brain/{batch}.log",
        benchmark:
            "results/benchmarks/bring_back_brain/{batch}.tsv"
        conda:
            environment("core")
        threads: 1
        resources:
            mem_mb=growing(6000),
            runtime=120,
        params:
            patients=lambda wildcards: preoperative.of_batch(loaded, wildcards.batch),
            code=code("bring_back"),
        script:
            "../scripts/bring_back.py"

else:

    use rule mask_brain as mask_preoperative with:
        input:
            references=lambda wildcards: preoperative.files_of_batch(loaded, wildcards.batch, BEFORE),
            given=[],
        output:
            "results/preoperative/brain/{batch}/manifest.json",
        log:
            "results/logs/mask_preoperative/{batch}.log",
        benchmark:
            "results/benchmarks/mask_preoperative/{batch}.tsv"
        params:
            patients=lambda wildcards: preoperative.of_batch(loaded, wildcards.batch),
            settings=study.brain_mask.extraction(),
            code=code("mask_brain", study.brain_mask.modules),


rule prepare_preoperative:
    """Strip the scans before surgery of a batch, and crop, normalise and resample them for one network."""
    input:
        scans=lambda wildcards: preoperative.files_of_batch(loaded, wildcards.batch, BEFORE),
        brain="results/preoperative/brain/{batch}/manifest.json",
    output:
        "results/preoperative/prepared/{arch}/{channel}/{batch}/manifest.json",
    log:
        "results/logs/prepare_preoperative/{arch}_{channel}_{batch}.log",
    benchmark:
        "results/benchmarks/prepare_preoperative/{arch}_{channel}_{batch}.tsv"
    wildcard_constraints:
        arch=STARTING_BEFORE,
        channel=BEFORE,
    conda:
        environment_of
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=120,
    params:
        patients=lambda wildcards: preoperative.of_batch(loaded, wildcards.batch),
        settings=lambda wildcards: preoperative.preparation_before(loaded, wildcards.arch),
        code=code_of_network("prepare_preoperative", "prepare"),
    script:
        "../scripts/prepare_preoperative.py"


use rule prepare_reference_standard as prepare_preoperative_tumor with:
    input:
        drawn=lambda wildcards: preoperative.files_of_batch(loaded, wildcards.batch, TUMOR_BEFORE),
        brain="results/preoperative/brain/{batch}/manifest.json",
        regions=[],
        region_registrations=[],
    output:
        "results/preoperative/prepared/{arch}/{channel}/{batch}/manifest.json",
    log:
        "results/logs/prepare_preoperative/{arch}_{channel}_{batch}.log",
    benchmark:
        "results/benchmarks/prepare_preoperative_tumor/{arch}_{channel}_{batch}.tsv"
    wildcard_constraints:
        arch=STARTING_BEFORE,
        channel=TUMOR_BEFORE,
    params:
        patients=lambda wildcards: preoperative.of_batch(loaded, wildcards.batch),
        is_label=True,
        sampled=False,
        framed=[],
        settings=lambda wildcards: preoperative.preparation_before(loaded, wildcards.arch),
        code=code_of_network("prepare", "prepare"),


rule select_preoperative:
    """List the scans before surgery that train the start of one fold, with their digests."""
    input:
        prepared=lambda wildcards: preoperative.prepared_before(loaded, wildcards.arch, int(wildcards.fold)),
        checks=lambda wildcards: [ancient(check) for check in preoperative.compared_checks(loaded, int(wildcards.fold))],
        left_out=faults.left_out(loaded, "folds"),
    output:
        "results/preoperative/prepared/{arch}/fold{fold}.json",
    log:
        "results/logs/select_preoperative/{arch}_fold{fold}.log",
    benchmark:
        "results/benchmarks/select_preoperative/{arch}_fold{fold}.tsv"
    wildcard_constraints:
        arch=STARTING_BEFORE,
    # A retry makes no brain mask sound.
    retries: 0
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        patients=lambda wildcards: list(preoperative.of_fold(loaded, int(wildcards.fold))),
        validation=lambda wildcards: list(split.validation(int(wildcards.fold))),
        columns=[BEFORE, TUMOR_BEFORE],
        persons=lambda wildcards: patients.persons_among(loaded, preoperative.of_fold(loaded, int(wildcards.fold))),
        code=code("select_preoperative"),
    script:
        "../scripts/select_preoperative.py"


use rule train as train_preoperative with:
    input:
        "results/preoperative/prepared/{arch}/fold{fold}.json",
        start=[],
    output:
        "results/models/{arch}/pre-operative/fold{fold}/manifest.json",
    log:
        "results/logs/train/{arch}_pre-operative_fold{fold}.log",
    benchmark:
        "results/benchmarks/train_preoperative/{arch}_fold{fold}.tsv"
    wildcard_constraints:
        arch=STARTING_BEFORE,
    params:
        version=study.version,
        settings=lambda wildcards: preoperative.settings_before(loaded, wildcards.arch).model_dump(mode="json"),
