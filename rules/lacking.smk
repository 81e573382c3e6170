# Networks that are trained to do without channels, judged on the hold-out with every subset of their channels.
#
# Only a study with channel_dropout plans this.
#
# Needs: the reference standard of the cohort table, and
#   results/prepared/{arch}/{inputs}/{subset}.json                        (prepare.smk)
#   results/models/{arch}/{inputs}/fold{fold}/manifest.json               (train.smk)
#   results/segmentations/{arch}/{inputs}/threshold.json                  (out_of_fold.smk)
#   results/metrics/{arch}/{inputs}.parquet                               (measure.smk)
# Gives:
#   results/lacking/{arch}/{inputs}/{given}/probabilities/manifest.json   hold-out: mean of the folds' softmax
#   results/lacking/{arch}/{inputs}/{given}/masks/manifest.json           at the threshold of the whole network
#   results/lacking/{arch}/{inputs}/{given}.parquet                       overlap, distances, volumes and lesions
#   results/statistics/subsets.parquet                                    all of them, and the networks of these channels
rule ensemble_lacking:
    """Predict the hold-out with some of the channels only."""
    input:
        cases="results/prepared/{arch}/{inputs}/holdout.json",
        models=lambda wildcards: preparation.models_of(loaded, wildcards.arch, wildcards.inputs),
    output:
        "results/lacking/{arch}/{inputs}/{given}/probabilities/manifest.json",
    log:
        "results/logs/ensemble_lacking/{arch}_{inputs}_{given}.log",
    benchmark:
        "results/benchmarks/ensemble_lacking/{arch}_{inputs}_{given}.tsv"
    conda:
        environment_of
    threads: 4
    resources:
        mem_mb=growing(32000),
        runtime=1440,
        gpu=1,
    params:
        members=False,
        given=lambda wildcards: lacking.channels_of(wildcards.given),
        code=code_of_network("predict", "predict"),
    script:
        "../scripts/predict.py"


rule segment_lacking:
    """Binarise at the threshold that was chosen with all channels, and remove small components."""
    input:
        predictions=["results/lacking/{arch}/{inputs}/{given}/probabilities/manifest.json"],
        threshold=["results/segmentations/{arch}/{inputs}/threshold.json"],
    output:
        "results/lacking/{arch}/{inputs}/{given}/masks/manifest.json",
    log:
        "results/logs/segment_lacking/{arch}_{inputs}_{given}.log",
    benchmark:
        "results/benchmarks/segment_lacking/{arch}_{inputs}_{given}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=240,
    params:
        given=None,
        postprocessing=study.postprocessing.model_dump(mode="json"),
        code=code("segment"),
    script:
        "../scripts/segment.py"


rule measure_lacking:
    """Measure the segmentations of one subset of the channels."""
    input:
        test="results/lacking/{arch}/{inputs}/{given}/masks/manifest.json",
        references=lambda wildcards: lacking.references(loaded, wildcards.arch, wildcards.inputs),
        left_out=faults.left_out(loaded, "holdout"),
    output:
        "results/lacking/{arch}/{inputs}/{given}.parquet",
    log:
        "results/logs/measure_lacking/{arch}_{inputs}_{given}.log",
    benchmark:
        "results/benchmarks/measure_lacking/{arch}_{inputs}_{given}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=240,
    params:
        cases=lambda wildcards: patients.measured_of_split(loaded, wildcards.arch, wildcards.inputs, "test"),
        leave_failed_out=loaded.leaves_failed_out,
        lesions=patients.lesion_rule(loaded),
        code=code("measure"),
    script:
        "../scripts/measure.py"


rule compare_subsets:
    """Set the results of every subset beside each other, and beside networks that were trained on these channels."""
    input:
        [record["file"] for record in lacking.compared(loaded)],
    output:
        "results/statistics/subsets.parquet",
    log:
        "results/logs/compare_subsets.log",
    benchmark:
        "results/benchmarks/compare_subsets.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        compared=lacking.compared(loaded),
        classification=study.classification.model_dump(mode="json"),
        code=code("compare_subsets"),
    script:
        "../scripts/compare_subsets.py"
