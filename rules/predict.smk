# Probability maps of the patients whom no model has seen, by all folds' models together.
#
# Needs:
#   results/prepared/{arch}/{inputs}/holdout.json                    (prepare.smk)
#   results/models/{arch}/{inputs}/fold{fold}/manifest.json          (train.smk, or application.smk)
# Gives:
#   results/ensemble/{arch}/{inputs}/manifest.json                   probabilities of the hold-out, and those of each model
rule ensemble:
    """Predict the hold-out: average the softmax of every fold's model."""
    input:
        cases="results/prepared/{arch}/{inputs}/holdout.json",
        models=lambda wildcards: preparation.models_of(loaded, wildcards.arch, wildcards.inputs),
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
        members=True,
        code=code_of_network("predict", "predict"),
    script:
        "../scripts/predict.py"
