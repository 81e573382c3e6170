# Five-fold cross-validation: one training per network, inputs and fold.
rule train:
    """Train one fold. It carries the config's version, not its code: a training of days reruns only on purpose."""
    input:
        "results/prepared/{arch}/{inputs}/fold{fold}.json",
    output:
        "results/models/{arch}/{inputs}/fold{fold}/manifest.json",
    log:
        "results/logs/train/{arch}_{inputs}_fold{fold}.log",
    benchmark:
        "results/benchmarks/train/{arch}_{inputs}_fold{fold}.tsv"
    conda:
        environment_of
    threads: 12
    resources:
        mem_mb=growing(64000),
        runtime=10080,
        gpu=1,
    params:
        version=study.version,
        settings=lambda wildcards: study.settings_of(wildcards.arch).model_dump(mode="json"),
    script:
        "../scripts/train.py"
