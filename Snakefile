# The study, in the order in which the data flows. `snakemake -n` shows what would run, docs/reference/glossary.md what the
# names in the paths mean.
if not workflow.overwrite_configfiles:

    configfile: workflow.source_path("config.yaml")


include: "rules/common.smk"
include: "rules/cohort.smk"
include: "rules/register.smk"
include: "rules/brain.smk"
include: "rules/assessed.smk"
include: "rules/quality.smk"
include: "rules/prepare.smk"
include: "rules/train.smk"
include: "rules/predict.smk"
include: "rules/segment.smk"
include: "rules/measure.smk"
include: "rules/raters.smk"
include: "rules/statistics.smk"
include: "rules/tables.smk"
include: "rules/participants.smk"
include: "rules/publication.smk"
include: "rules/figures.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        "results/cohort/folds.json",
        expand("results/tables/{table}.{format}", table=TABLES, format=TABLE_FORMATS),
        expand("results/figures/{figure}.{format}", figure=FIGURES, format=FIGURE_FORMATS),
        "results/quality/index.html",
        "results/quality/sound.json",
        "results/report/index.html",
