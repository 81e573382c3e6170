# The figures of the publication: a PDF, a PNG and the caption, which the report prints too.
rule figure1:
    """Figure 1: one patient of each of four hospitals, all sequences and the manual annotation."""
    input:
        [file for shown in EXAMPLES for file in (*shown["images"].values(), shown["residual"])],
        [file for shown in EXAMPLES for file in shown["outlines"].values()],
        ancient("results/quality/sound.json"),
        # Sequences that no network sees are shown, too.
        registrations=EXAMPLES_REGISTERED,
    output:
        pdf="results/figures/figure1.pdf",
        png="results/figures/figure1.png",
        txt="results/figures/figure1.txt",
    log:
        "results/logs/figure1.log",
    benchmark:
        "results/benchmarks/figure1.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=30,
    params:
        examples=EXAMPLES,
        columns=list(study.images),
        outlined=OUTLINED,
        code=code("figure1"),
    script:
        "../scripts/figure1.py"


rule figure3:
    """Figure 3: hold-out patients, the reference standard and the segmentation of every network's best inputs."""
    input:
        metrics=[f"results/metrics/{arch}/{inputs}.parquet" for arch, inputs in COMPARED],
        segmentations=[f"results/segmentations/{arch}/{inputs}/test/manifest.json" for arch, inputs in COMPARED],
        images=[file_of(patient, study.sequences.reference) for patient in split.holdout],
        references=[file_of(patient, RESIDUAL) for patient in split.holdout],
    output:
        pdf="results/figures/figure3.pdf",
        png="results/figures/figure3.png",
        txt="results/figures/figure3.txt",
    log:
        "results/logs/figure3.log",
    benchmark:
        "results/benchmarks/figure3.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=60,
    params:
        models=COMPARED,
        patients=list(split.holdout),
        best_inputs=dict(study.statistics.best_inputs.segmentation),
        classification=study.classification.model_dump(mode="json"),
        arch_labels=ARCH_LABELS,
        code=code("figure3"),
    script:
        "../scripts/figure3.py"


rule figure4:
    """Figure 4: raters and networks against the reference standard and the raters' consensus."""
    input:
        "results/raters/scores.parquet",
    output:
        pdf="results/figures/figure4.pdf",
        png="results/figures/figure4.png",
        txt="results/figures/figure4.txt",
    log:
        "results/logs/figure4.log",
    benchmark:
        "results/benchmarks/figure4.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        arch_labels=ARCH_LABELS,
        residual_tumor_ml=study.classification.residual_tumor_ml,
        code=code("figure4"),
    script:
        "../scripts/figure4.py"
