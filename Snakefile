# The study, in the order in which the data flows. `snakemake -n` shows what would run, docs/wildcards.md what the
# names in the paths mean.
if not workflow.overwrite_configfiles:

    configfile: workflow.source_path("config.yaml")


include: "rules/common.smk"
include: "rules/cohort.smk"
include: "rules/register.smk"
include: "rules/brain.smk"
include: "rules/prepare.smk"
include: "rules/train.smk"
include: "rules/predict.smk"
include: "rules/segment.smk"
include: "rules/measure.smk"
include: "rules/publish.smk"


rule all:
    default_target: True
    input:
        "results/cohort/folds.json",
        unused_on_the_reference(),
        expand("results/tables/{table}.{format}", table=TABLES, format=TABLE_FORMATS),
