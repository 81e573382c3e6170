# The scan before surgery: the tumour that it shows, what of it is left, and the predicted mask brought back to it.
#
# Needs: the scans before surgery and the masks drawn on them of the cohort table, and
#   results/registered/{patient}/{sequence}_affine.mat, _warp.nii.gz, _quality.json    (register.smk)
#   results/segmentations/{arch}/{inputs}/test/manifest.json, members/manifest.json    (segment.smk)
# Gives:
#   results/resection/before.json                          volume of the tumour before surgery, of every patient
#   results/resection/{arch}/{inputs}.json                 volumes, extent, classes and diameters of the hold-out
#   results/before_surgery/{arch}/{inputs}/manifest.json   masks of the hold-out on the scans before surgery
rule measure_before:
    """Measure the tumour before surgery of every patient, in the scan on which it was drawn."""
    input:
        resection.masks_before(loaded),
    output:
        "results/resection/before.json",
    log:
        "results/logs/measure_before.log",
    benchmark:
        "results/benchmarks/measure_before.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=120,
    params:
        patients=patients.resected_patients(loaded),
        code=code("measure_before"),
    script:
        "../scripts/measure_before.py"


rule bring_back:
    """Bring the masks of the hold-out back to the scans before surgery, and write the inverse transforms."""
    input:
        masks="results/segmentations/{arch}/{inputs}/test/manifest.json",
        moving=lambda wildcards: resection.scans_before(loaded, wildcards.arch, wildcards.inputs),
        affines=lambda wildcards: resection.ways_before(loaded, wildcards.arch, wildcards.inputs, "affine.mat"),
        warps=lambda wildcards: resection.ways_before(loaded, wildcards.arch, wildcards.inputs, "warp.nii.gz"),
        qualities=lambda wildcards: resection.ways_before(loaded, wildcards.arch, wildcards.inputs, "quality.json"),
    output:
        "results/before_surgery/{arch}/{inputs}/manifest.json",
    log:
        "results/logs/bring_back/{arch}_{inputs}.log",
    benchmark:
        "results/benchmarks/bring_back/{arch}_{inputs}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=240,
    params:
        patients=lambda wildcards: resection.with_scan_before(loaded, wildcards.arch, wildcards.inputs),
        code=code("bring_back"),
    script:
        "../scripts/bring_back.py"


rule describe_resections:
    """Describe the resection of every patient of the hold-out by the predicted mask."""
    input:
        masks="results/segmentations/{arch}/{inputs}/test/manifest.json",
        members="results/segmentations/{arch}/{inputs}/members/manifest.json",
        before="results/resection/before.json",
    output:
        "results/resection/{arch}/{inputs}.json",
    log:
        "results/logs/describe_resections/{arch}_{inputs}.log",
    benchmark:
        "results/benchmarks/describe_resections/{arch}_{inputs}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=120,
    params:
        residual_tumor_ml=study.classification.residual_tumor_ml,
        code=code("describe_resections"),
    script:
        "../scripts/describe_resections.py"
