# What cross-validation says of each network: out-of-fold probabilities, and the threshold that is best on them.
#
# Needs: the reference standard of the cohort table, and
#   results/prepared/{arch}/{inputs}/{subset}.json                   (prepare.smk)
#   results/models/{arch}/{inputs}/fold{fold}/manifest.json          (train.smk)
# Gives:
#   results/predictions/{arch}/{inputs}/fold{fold}/manifest.json     probabilities of a fold's validation patients
#   results/segmentations/{arch}/{inputs}/threshold.json             the threshold, and the scores of every candidate
#   results/segmentations/{arch}/{inputs}/candidates.parquet         volume and Dice of every patient at every candidate
#   results/statistics/nested.parquet                                what these choices add to out-of-fold performance
rule predict:
    """Predict the validation patients of one fold by the model that has not seen them."""
    input:
        cases="results/prepared/{arch}/{inputs}/fold{fold}.json",
        models=["results/models/{arch}/{inputs}/fold{fold}/manifest.json"],
    output:
        "results/predictions/{arch}/{inputs}/fold{fold}/manifest.json",
    log:
        "results/logs/predict/{arch}_{inputs}_fold{fold}.log",
    benchmark:
        "results/benchmarks/predict/{arch}_{inputs}_fold{fold}.tsv"
    conda:
        environment_of
    threads: 4
    resources:
        mem_mb=growing(32000),
        runtime=720,
        gpu=1,
    params:
        members=False,
        code=code_of_network("predict", "predict"),
    script:
        "../scripts/predict.py"


rule choose_threshold:
    """Choose the threshold with the best out-of-fold score."""
    input:
        predictions=lambda wildcards: preparation.out_of_fold_predictions(loaded, wildcards.arch, wildcards.inputs),
        references=lambda wildcards: preparation.validation_references(loaded, wildcards.arch, wildcards.inputs),
        left_out=faults.left_out(loaded, "folds"),
    output:
        threshold="results/segmentations/{arch}/{inputs}/threshold.json",
        candidates="results/segmentations/{arch}/{inputs}/candidates.parquet",
    log:
        "results/logs/choose_threshold/{arch}_{inputs}.log",
    benchmark:
        "results/benchmarks/choose_threshold/{arch}_{inputs}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=720,
    params:
        patients=lambda wildcards: patients.validation_by_fold(loaded, wildcards.arch, wildcards.inputs),
        postprocessing=study.postprocessing.model_dump(mode="json"),
        classification=study.classification.model_dump(mode="json"),
        leave_failed_out=loaded.leaves_failed_out,
        code=code("choose_threshold"),
    script:
        "../scripts/choose_threshold.py"


rule nested_estimate:
    """Judge each fold by the threshold and the inputs that the other folds choose."""
    input:
        candidates=[
            f"results/segmentations/{arch}/{inputs}/candidates.parquet"
            for arch, inputs in elsewhere.chosen_thresholds(loaded)
        ],
        thresholds=[
            f"results/segmentations/{arch}/{inputs}/threshold.json"
            for arch, inputs in elsewhere.chosen_thresholds(loaded)
        ],
    output:
        "results/statistics/nested.parquet",
    log:
        "results/logs/nested_estimate.log",
    benchmark:
        "results/benchmarks/nested_estimate.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        models=elsewhere.chosen_thresholds(loaded),
        choices={experiment: study.choices(experiment) for experiment in ("segmentation", "classification")},
        classification=study.classification.model_dump(mode="json"),
        code=code("nested_estimate"),
    script:
        "../scripts/nested_estimate.py"
