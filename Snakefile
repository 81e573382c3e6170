# The study, in the order in which the data flows. `snakemake -n` shows what would run, docs/reference/glossary.md what the
# names in the paths mean. A configuration with `bundles` applies their models to new patients: nothing is trained then. One
# with `brain_model` makes the brain model of the package, and is no study.
include: "rules/configuration.smk"
include: "rules/run.smk"


if "brain_model" in config:

    include: "rules/brain_model.smk"

    rule brain_model:
        """Train the brain model."""
        default_target: True
        input:
            "results/brain_model/model/manifest.json",

else:

    include: "rules/snakemake.smk"
    include: "rules/common.smk"
    include: "rules/cohort.smk"
    include: "rules/register.smk"
    include: "rules/brain.smk"
    include: "rules/quality.smk"
    include: "rules/prepare.smk"
    include: "rules/predict.smk"
    include: "rules/elsewhere.smk"
    include: "rules/segment.smk"
    include: "rules/before.smk"

    if application:

        include: "rules/application.smk"
        include: "rules/patients.smk"

        if workflow.is_main_process:
            replaced = holds_others(".", loaded.bundles, former=False)
            see_replaced_files(given_paths, given, {"unpack"} if replaced else ())
        if application.validation:

            include: "rules/measure.smk"
            include: "rules/statistics.smk"
            include: "rules/tables.smk"
            include: "rules/validate.smk"

            rule validate:
                """Measure the bundles on the patients of the table that have a reference standard."""
                default_target: True
                input:
                    "results/validation.json",
                    "results/validation.html",
                    "results/metrics/lesions.parquet",
                    "results/statistics/discrimination.parquet",
                    expand(
                        "results/tables/{table}.{format}",
                        table=validation.tables(loaded),
                        format=publication.TABLE_FORMATS,
                    ),

        rule predict:
            """Apply the bundles to all patients of the table."""
            default_target: application.validation is None
            input:
                "results/patients.json",
                "results/patients.tsv",

    elif to_make:

        include: "rules/plan.smk"

        rule plan_networks:
            """Make the plans of the networks, on which all that follows depends: the same command then goes on."""
            default_target: True
            input:
                to_make,

    else:

        include: "rules/plan.smk"
        include: "rules/train.smk"
        include: "rules/initial.smk"

        if preoperative.archs(loaded):

            include: "rules/preoperative.smk"
        include: "rules/out_of_fold.smk"
        include: "rules/combine.smk"
        include: "rules/measure.smk"
        include: "rules/lacking.smk"
        include: "rules/raters.smk"
        include: "rules/resection.smk"
        include: "rules/prognosis.smk"
        include: "rules/statistics.smk"
        include: "rules/conventions.smk"
        include: "rules/subgroups.smk"
        include: "rules/bundle.smk"
        include: "rules/tables.smk"
        include: "rules/participants.smk"
        include: "rules/figures.smk"
        include: "rules/further_figures.smk"
        include: "rules/report.smk"

        rule all:
            """Make the tables, the figures, the descriptions of the models, the quality pages and the report."""
            default_target: True
            input:
                "results/cohort/folds.json",
                expand(
                    "results/tables/{table}.{format}",
                    table=publication.tables(loaded),
                    format=publication.TABLE_FORMATS,
                ),
                expand(
                    "results/figures/{figure}.{format}",
                    figure=publication.figures(loaded),
                    format=publication.FIGURE_FORMATS,
                ),
                "results/metrics/lesions.parquet",
                "results/statistics/discrimination.parquet",
                sharing.descriptions(loaded),
                "results/quality/index.html",
                "results/quality/sound.json",
                "results/report/index.html",
                casebook.pages(loaded),

    if workflow.is_main_process and not application:
        see_replaced_files(given_paths, given, if_other_alone=True)
    take_paths_as_they_are()
    examine_what_only_waits()
    examine_the_order_of_files()
    examine_settings_by_name()
    refuse_what_waits_for_plans()


run_alone()
