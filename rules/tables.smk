# The tables of the publication, each as CSV, Markdown, LaTeX and HTML.
#
# Needs:
#   results/cohort/checks/{batch}.json, results/cohort/folds.json, results/cohort/duplicates.json   (cohort.smk)
#   results/metrics/{arch}/{inputs}.parquet                                                         (measure.smk)
#   results/statistics/{name}.parquet                                                               (statistics.smk)
# Gives:
#   results/tables/table1.{csv,md,tex,html}        patients by hospital
#   results/tables/table2.{csv,md,tex,html}        folds and hold-out
#   results/tables/table3.{csv,md,tex,html}        segmentation performance
#   results/tables/table4.{csv,md,tex,html}        classification performance
#   results/tables/{name}.{csv,md,tex,html}        the statistics behind them
rule table1:
    """Make Table 1: patients, residual tumour and gross total resection by hospital."""
    input:
        checks=expand("results/cohort/checks/{batch}.json", batch=cohort.batches),
        folds="results/cohort/folds.json",
        proof="results/cohort/duplicates.json",
    output:
        csv="results/tables/table1.csv",
        md="results/tables/table1.md",
        tex="results/tables/table1.tex",
        html=report("results/tables/table1.html", caption="captions/table.rst", category="Tables"),
    log:
        "results/logs/table1.log",
    benchmark:
        "results/benchmarks/table1.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        residual_tumor_ml=study.classification.residual_tumor_ml,
        code=code("table1"),
    script:
        "../scripts/table1.py"


rule table2:
    """Make Table 2: hospitals and patients of every fold and of the hold-out."""
    input:
        "results/cohort/folds.json",
    output:
        csv="results/tables/table2.csv",
        md="results/tables/table2.md",
        tex="results/tables/table2.tex",
        html=report("results/tables/table2.html", caption="captions/table.rst", category="Tables"),
    log:
        "results/logs/table2.log",
    benchmark:
        "results/benchmarks/table2.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("table2"),
    script:
        "../scripts/table2.py"


rule table3:
    """Make Table 3: segmentation performance of every network and input configuration."""
    input:
        metrics=publication.metrics_files(loaded),
        left_out=faults.left_out(loaded),
    output:
        csv="results/tables/table3.csv",
        md="results/tables/table3.md",
        tex="results/tables/table3.tex",
        html=report("results/tables/table3.html", caption="captions/table.rst", category="Tables"),
    log:
        "results/logs/table3.log",
    benchmark:
        "results/benchmarks/table3.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        classification=study.classification.model_dump(mode="json"),
        statistics=study.statistics.without_subgroups(),
        arch_labels=loaded.arch_labels,
        notes=publication.table_notes(loaded),
        code=code("table3"),
    script:
        "../scripts/table3.py"


rule table4:
    """Make Table 4: classification by every network and input configuration."""
    input:
        metrics=publication.metrics_files(loaded),
        left_out=faults.left_out(loaded),
    output:
        csv="results/tables/table4.csv",
        md="results/tables/table4.md",
        tex="results/tables/table4.tex",
        html=report("results/tables/table4.html", caption="captions/table.rst", category="Tables"),
    log:
        "results/logs/table4.log",
    benchmark:
        "results/benchmarks/table4.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        classification=study.classification.model_dump(mode="json"),
        statistics=study.statistics.without_subgroups(),
        arch_labels=loaded.arch_labels,
        notes=publication.table_notes(loaded),
        code=code("table4"),
    script:
        "../scripts/table4.py"


if publication.supplement(loaded):

    rule supplementary_tables:
        """Make the tables of the statistics. A table takes no time and a job's start does: one job makes all."""
        input:
            [f"results/statistics/{source}.parquet" for source in publication.supplement(loaded).values()],
        output:
            csv=expand("results/tables/{name}.csv", name=publication.supplement(loaded)),
            md=expand("results/tables/{name}.md", name=publication.supplement(loaded)),
            tex=expand("results/tables/{name}.tex", name=publication.supplement(loaded)),
            html=report(
                expand("results/tables/{name}.html", name=publication.supplement(loaded)),
                caption="captions/table.rst",
                category="Tables",
            ),
        log:
            "results/logs/supplementary_tables.log",
        benchmark:
            "results/benchmarks/supplementary_tables.tsv"
        conda:
            environment("core")
        threads: 1
        resources:
            mem_mb=1000,
            runtime=10,
        params:
            names=list(publication.supplement(loaded)),
            arch_labels=loaded.arch_labels,
            statistics=study.statistics.model_dump(mode="json"),
            eligibility=study.eligibility,
            code=code("supplementary_tables"),
        script:
            "../scripts/supplementary_tables.py"
