# Cross-validation: one training per network, input configuration and fold.
#
# Needs:
#   results/prepared/{arch}/{inputs}/{subset}.json             (prepare.smk)
#   where the config says that trainings start from it: the bundle of networks.{arch}.initial_bundles, or
#   results/models/{arch}/pre-operative/fold{fold}/manifest.json   (preoperative.smk)
# Gives:
#   results/models/{arch}/{inputs}/fold{fold}/manifest.json    the trained network
rule train:
    """Train one fold. The config's version repeats it and its code does not: it takes days."""
    input:
        "results/prepared/{arch}/{inputs}/fold{fold}.json",
        start=lambda wildcards: training.start_of(loaded, wildcards.arch, wildcards.inputs, wildcards.fold),
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
        # The same at every attempt: it is tried again for its time limit, and its memory does not depend on the images.
        mem_mb=64000,
        runtime=10080,
        gpu=1,
    params:
        version=study.version,
        settings=lambda wildcards: training.settings_of_training(loaded, wildcards.arch, wildcards.inputs),
    script:
        "../scripts/train.py"
