# Probability maps: each fold's validation patients by its own model, the hold-out by all models together.
#
# Needs:
#   results/prepared/{arch}/{inputs}/{subset}.json                   (prepare.smk)
#   results/models/{arch}/{inputs}/fold{fold}/manifest.json          (train.smk)
# Gives:
#   results/predictions/{arch}/{inputs}/fold{fold}/manifest.json     out-of-fold probabilities
#   results/ensemble/{arch}/{inputs}/manifest.json                   probabilities of the hold-out
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
        code=code_of_network("predict", "predict"),
    script:
        "../scripts/predict.py"


rule ensemble:
    """Predict the hold-out: average the softmax of every fold's model."""
    input:
        cases="results/prepared/{arch}/{inputs}/holdout.json",
        models=expand("results/models/{{arch}}/{{inputs}}/fold{fold}/manifest.json", fold=loaded.folds),
    output:
        "results/ensemble/{arch}/{inputs}/manifest.json",
    log:
        "results/logs/ensemble/{arch}_{inputs}.log",
    benchmark:
        "results/benchmarks/ensemble/{arch}_{inputs}.tsv"
    conda:
        environment_of
    threads: 4
    resources:
        mem_mb=growing(32000),
        runtime=1440,
        gpu=1,
    params:
        code=code_of_network("predict", "predict"),
    script:
        "../scripts/predict.py"
