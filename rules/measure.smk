# Segmentations and probability maps against the reference standard, one row per patient.
#
# Needs: the reference standard of the cohort table, and
#   results/segmentations/{arch}/{inputs}/{split}/manifest.json   (segment.smk)
#   results/predictions/{arch}/{inputs}/fold{fold}/manifest.json, results/ensemble/{arch}/{inputs}/manifest.json,
#   results/elsewhere/{arch}/{inputs}/{split}/manifest.json       the probability maps
#   results/brain/{batch}/manifest.json                           (brain.smk)
# Gives:
#   results/metrics/{arch}/{inputs}.parquet                       overlap, distances, volumes and lesions
#   results/lesions/{arch}/{inputs}.parquet                       one row per lesion, or group of lesions that touch
#   results/metrics/lesions.parquet                               these rows of all networks and input configurations
#   results/probability/{arch}/{inputs}/patients.parquet          discrimination and calibration within the brain
#   results/probability/{arch}/{inputs}/thresholds.parquet        Dice at 101 thresholds
#   results/probability/{arch}/{inputs}/calibration.parquet       bins of the calibration
#   results/statistics/discrimination.parquet                     over all patients, and of the decision on a patient
rule measure:
    """Measure every segmentation of one network and input configuration."""
    input:
        # An application has no folds.
        validation=[] if application else "results/segmentations/{arch}/{inputs}/validation/manifest.json",
        test="results/segmentations/{arch}/{inputs}/test/manifest.json",
        references=lambda wildcards: preparation.reference_standards(
            loaded, [case["patient"] for case in patients.measured(loaded, wildcards.arch, wildcards.inputs)]
        ),
        maps_of_validation=lambda wildcards: (
            [] if application else preparation.predictions_of(loaded, wildcards.arch, wildcards.inputs, "validation")
        ),
        maps_of_test=lambda wildcards: preparation.predictions_of(loaded, wildcards.arch, wildcards.inputs, "test"),
        brains=lambda wildcards: files.brain_manifests(
            loaded, [case["patient"] for case in patients.measured(loaded, wildcards.arch, wildcards.inputs)]
        ),
        left_out=faults.left_out(loaded),
    output:
        "results/metrics/{arch}/{inputs}.parquet",
        "results/lesions/{arch}/{inputs}.parquet",
        "results/probability/{arch}/{inputs}/patients.parquet",
        "results/probability/{arch}/{inputs}/thresholds.parquet",
        "results/probability/{arch}/{inputs}/calibration.parquet",
    log:
        "results/logs/measure/{arch}_{inputs}.log",
    benchmark:
        "results/benchmarks/measure/{arch}_{inputs}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=240,
    params:
        cases=lambda wildcards: patients.measured(loaded, wildcards.arch, wildcards.inputs),
        leave_failed_out=loaded.leaves_failed_out,
        lesions=patients.lesion_rule(loaded),
        code=code("measure"),
    script:
        "../scripts/measure.py"


rule list_lesions:
    """List the lesions of all networks and input configurations."""
    input:
        publication.lesion_files(loaded),
    output:
        "results/metrics/lesions.parquet",
    log:
        "results/logs/list_lesions.log",
    benchmark:
        "results/benchmarks/list_lesions.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("list_lesions"),
    script:
        "../scripts/list_lesions.py"


rule discrimination:
    """Judge the probability maps, and the decision on a patient by its volume or its largest probability."""
    input:
        metrics=publication.metrics_files(loaded),
        maps=publication.map_files(loaded),
    output:
        "results/statistics/discrimination.parquet",
    log:
        "results/logs/discrimination.log",
    benchmark:
        "results/benchmarks/discrimination.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        residual_tumor_ml=study.classification.residual_tumor_ml,
        code=code("discrimination"),
    script:
        "../scripts/discrimination.py"
