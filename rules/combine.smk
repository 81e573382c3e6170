# What networks of the study find together: maps as of one network more; nothing unless the configuration names any.
#
# Needs:
#   results/predictions/{arch}/{inputs}/fold{fold}/manifest.json     (out_of_fold.smk)
#   results/ensemble/{arch}/{inputs}/manifest.json                   (predict.smk)
#   results/segmentations/{arch}/{inputs}/{split}/manifest.json      masks of a network that decides (segment.smk)
# Gives:
#   results/combined/{arch}/{inputs}/{split}/manifest.json           the mean of maps, or maps where a gate lets them pass
rule combine:
    """Average the maps of several networks, or empty those of one where another finds no residual tumour."""
    input:
        maps=lambda wildcards: combinations.maps(loaded, *wildcards),
        gate=lambda wildcards: combinations.gate(loaded, *wildcards),
    output:
        "results/combined/{arch}/{inputs}/{split}/manifest.json",
    log:
        "results/logs/combine/{arch}_{inputs}_{split}.log",
    benchmark:
        "results/benchmarks/combine/{arch}_{inputs}_{split}.tsv"
    wildcard_constraints:
        arch="|".join(study.combinations) or patients.NOBODY,
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=240,
    params:
        networks=lambda wildcards: len(combinations.averaged(loaded, wildcards.arch)),
        residual_tumor_ml=study.classification.residual_tumor_ml,
        code=code("combine"),
    script:
        "../scripts/combine.py"
