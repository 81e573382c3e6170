# The tables of the publication, each as CSV, Markdown, LaTeX and HTML.
rule table1:
    """Table 1: patients, residual tumour and gross total resection by hospital."""
    input:
        checks=expand("results/cohort/checks/{batch}.json", batch=cohort.batches),
        folds="results/cohort/folds.json",
        proof="results/cohort/duplicates.json",
    output:
        **table_files("table1"),
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
    """Table 2: hospitals and patients of every fold and of the hold-out."""
    input:
        "results/cohort/folds.json",
    output:
        **table_files("table2"),
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
    """Table 3: segmentation performance of every network and inputs."""
    input:
        metrics_files(),
    output:
        **table_files("table3"),
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
        arch_labels=ARCH_LABELS,
        notes=table_notes(),
        code=code("table3"),
    script:
        "../scripts/table3.py"


rule table4:
    """Table 4: classification by every network and inputs."""
    input:
        metrics_files(),
    output:
        **table_files("table4"),
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
        arch_labels=ARCH_LABELS,
        notes=table_notes(),
        code=code("table4"),
    script:
        "../scripts/table4.py"


rule supplementary_table:
    """A table behind the statistics: of one parquet file."""
    input:
        lambda wildcards: f"results/statistics/{SUPPLEMENT[wildcards.supplement]}.parquet",
    output:
        **table_files("{supplement}"),
    log:
        "results/logs/supplementary_table/{supplement}.log",
    benchmark:
        "results/benchmarks/supplementary_table/{supplement}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        arch_labels=ARCH_LABELS,
        statistics=study.statistics.model_dump(mode="json"),
        code=code("supplementary_table"),
    script:
        "../scripts/supplementary_table.py"
