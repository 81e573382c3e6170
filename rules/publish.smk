# The tables of the publication.
rule table1:
    """Table 1: patients, residual tumour and gross total resection by hospital."""
    input:
        checks=expand("results/cohort/checks/{batch}.json", batch=cohort.batches),
        folds="results/cohort/folds.json",
    output:
        csv="results/tables/table1.csv",
        md="results/tables/table1.md",
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
        csv="results/tables/table2.csv",
        md="results/tables/table2.md",
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
        expand("results/metrics/{arch}/{inputs}.parquet", arch=study.archs, inputs=study.inputs),
    output:
        csv="results/tables/table3.csv",
        md="results/tables/table3.md",
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
        code=code("table3"),
    script:
        "../scripts/table3.py"
