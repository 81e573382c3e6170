# Cross-validation: one training per network, input configuration and fold.
#
# Needs:
#   results/prepared/{arch}/{inputs}/{subset}.json             (prepare.smk)
#   the bundles of networks.{arch}.initial_bundles, where the config has any
# Gives:
#   results/models/{arch}/{inputs}/fold{fold}/manifest.json    the trained network
rule train:
    """Train one fold. The config's version repeats it and its code does not: it takes days."""
    input:
        "results/prepared/{arch}/{inputs}/fold{fold}.json",
        bundle=lambda wildcards: training.initial_bundle(loaded, wildcards.arch, wildcards.inputs),
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
        settings=lambda wildcards: training.settings_of_training(loaded, wildcards.arch, wildcards.inputs),
    script:
        "../scripts/train.py"
