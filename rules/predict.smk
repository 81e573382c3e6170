# Probability maps: each fold's validation patients by its own model, the hold-out by all models together.
rule predict:
    """Out-of-fold probabilities of one fold's validation patients."""
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
    """Hold-out probabilities: the mean of the softmax of every fold's model."""
    input:
        cases="results/prepared/{arch}/{inputs}/holdout.json",
        models=expand("results/models/{{arch}}/{{inputs}}/fold{fold}/manifest.json", fold=FOLDS),
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
