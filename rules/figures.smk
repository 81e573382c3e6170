# The figures of the publication: a PDF, a PNG and the caption, which the report prints too.
#
# Needs: the images and labels of the cohort table, and
#   results/registered/{patient}/{sequence}.nii.gz, {sequence}_quality.json, {label}.nii.gz   (register.smk)
#   results/brain/{batch}/manifest.json                                                       (brain.smk)
#   results/quality/sound.json                                                                (quality.smk)
#   results/metrics/{arch}/{inputs}.parquet                                                   (measure.smk)
#   results/segmentations/{arch}/{inputs}/{split}/manifest.json                               (segment.smk)
#   results/raters/scores.parquet                                                             (raters.smk)
# Gives:
#   results/figures/figure1.{pdf,png,txt}    the sequences and the reference standard of a few patients
#   results/figures/figure3.{pdf,png,txt}    segmentations of hold-out patients
#   results/figures/figure4.{pdf,png,txt}    raters and networks; only with raters
rule figure1:
    """Make Figure 1: one patient of each of four hospitals, all sequences and the manual annotation."""
    input:
        publication.example_files(loaded),
        ancient("results/quality/sound.json"),
        registrations=publication.example_registrations(loaded),
        brains=files.brain_manifests(loaded, publication.patients_shown(loaded)),
        left_out=faults.left_out(loaded),
    output:
        pdf="results/figures/figure1.pdf",
        png=report("results/figures/figure1.png", caption="captions/figure.rst", category="Figures"),
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
        examples=publication.examples(loaded),
        patients=publication.patients_shown(loaded),
        leaves_out=faults.leaves_out(loaded),
        columns=list(study.images),
        outlined=publication.outlines(loaded),
        code=code("figure1"),
    script:
        "../scripts/figure1.py"


rule figure3:
    """Make Figure 3: hold-out patients, the reference standard and the segmentation of every network's best inputs."""
    input:
        metrics=publication.compared_metrics(loaded),
        segmentations=[
            f"results/segmentations/{arch}/{inputs}/test/manifest.json"
            for arch, inputs in publication.compared(loaded)
        ],
        images=[files.reference_of(loaded, patient) for patient in split.holdout],
        references=preparation.reference_standards(loaded, split.holdout),
        brains=files.brain_manifests(loaded, split.holdout),
    output:
        pdf="results/figures/figure3.pdf",
        png=report("results/figures/figure3.png", caption="captions/figure.rst", category="Figures"),
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
        models=publication.compared(loaded),
        patients=list(split.holdout),
        brains=[files.brain_mask_of(loaded, patient) for patient in split.holdout],
        best_inputs=study.choices("segmentation"),
        classification=study.classification.model_dump(mode="json"),
        arch_labels=loaded.arch_labels,
        code=code("figure3"),
    script:
        "../scripts/figure3.py"


rule figure4:
    """Make Figure 4: raters and networks against the reference standard and the raters' consensus."""
    input:
        "results/raters/scores.parquet",
    output:
        pdf="results/figures/figure4.pdf",
        png=report("results/figures/figure4.png", caption="captions/figure.rst", category="Figures"),
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
        arch_labels=loaded.arch_labels,
        residual_tumor_ml=study.classification.residual_tumor_ml,
        code=code("figure4"),
    script:
        "../scripts/figure4.py"
