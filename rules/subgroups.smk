# Networks in subgroups of patients; only a study whose statistics.subgroups names a covariate plans this.
#
# Needs:
#   results/metrics/{arch}/{inputs}.parquet          (measure.smk)
#   results/cohort/checks/{batch}.json               (cohort.smk; slices of the scans)
# Gives:
#   results/statistics/subgroups.parquet             Dice and classification in every subgroup
#   results/statistics/subgroup_tests.parquet        one test of every covariate
#   results/statistics/between_hospitals.parquet     random-effects summary of the hospitals, and their heterogeneity
#   results/figures/hospitals.{pdf,png,txt}          forest plot of the hospitals
#   results/figures/subgroups.{pdf,png,txt}          forest plot of the other subgroups
rule compare_subgroups:
    """Judge every network, with its best inputs, in the subgroups of every covariate."""
    input:
        metrics=publication.metrics_files(loaded),
        checks=(
            expand("results/cohort/checks/{batch}.json", batch=cohort.batches)
            if "slice_thickness" in study.statistics.subgroups
            else []
        ),
    output:
        subgroups="results/statistics/subgroups.parquet",
        tests="results/statistics/subgroup_tests.parquet",
        hospitals="results/statistics/between_hospitals.parquet",
    log:
        "results/logs/compare_subgroups.log",
    benchmark:
        "results/benchmarks/compare_subgroups.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        known=patients.known_covariates(loaded),
        reference=study.sequences.reference,
        choices={experiment: study.choices(experiment) for experiment in ("segmentation", "classification")},
        classification=study.classification.model_dump(mode="json"),
        statistics=study.statistics.model_dump(mode="json"),
        code=code("compare_subgroups"),
    script:
        "../scripts/compare_subgroups.py"


rule forest_figures:
    """Make the forest plots of the hospitals and of the other subgroups."""
    input:
        subgroups="results/statistics/subgroups.parquet",
        hospitals="results/statistics/between_hospitals.parquet",
    output:
        hospitals_pdf="results/figures/hospitals.pdf",
        hospitals_png=report("results/figures/hospitals.png", caption="captions/figure.rst", category="Figures"),
        hospitals_txt="results/figures/hospitals.txt",
        subgroups_pdf="results/figures/subgroups.pdf",
        subgroups_png=report("results/figures/subgroups.png", caption="captions/figure.rst", category="Figures"),
        subgroups_txt="results/figures/subgroups.txt",
    log:
        "results/logs/forest_figures.log",
    benchmark:
        "results/benchmarks/forest_figures.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        arch_labels=loaded.arch_labels,
        statistics=study.statistics.model_dump(mode="json"),
        code=code("forest_figures"),
    script:
        "../scripts/forest_figures.py"
