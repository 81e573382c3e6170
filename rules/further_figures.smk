# Figures beside the article's 1, 3 and 4; figures.further of the configuration names those that are made.
#
# Needs:
#   results/cohort/folds.json                                                          (cohort.smk)
#   results/metrics/{arch}/{inputs}.parquet, results/metrics/lesions.parquet           (measure.smk)
#   results/probability/{arch}/{inputs}/patients.parquet, calibration.parquet          (measure.smk)
#   results/models/{arch}/{inputs}/fold{fold}/manifest.json                            (train.smk)
# Gives:
#   results/figures/pipeline.{pdf,png,txt}          Figure 2: the pipeline, as the configuration says it
#   results/figures/discrimination.{pdf,png,txt}    ROC and precision-recall of the predicted volume
#   results/figures/agreement.{pdf,png,txt}         predicted against reference volumes
#   results/figures/dice_by_volume.{pdf,png,txt}    Dice against the volume of patients and lesions
#   results/figures/calibration.{pdf,png,txt}       reliability of the map and of the decision on a patient
#   results/figures/confusion.{pdf,png,txt}         confusion matrices of that decision
#   results/figures/learning_curves.{pdf,png,txt}   the loss of every training
rule pipeline_figure:
    """Make Figure 2: the pipeline, drawn from the configuration."""
    input:
        folds="results/cohort/folds.json",
    output:
        pdf="results/figures/pipeline.pdf",
        png=report("results/figures/pipeline.png", caption="captions/figure.rst", category="Figures"),
        txt="results/figures/pipeline.txt",
    log:
        "results/logs/pipeline_figure.log",
    benchmark:
        "results/benchmarks/pipeline_figure.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=study.model_dump(mode="json", exclude={"cohort", "raters"}),
        rated=loaded.raters is not None,
        arch_labels=loaded.arch_labels,
        code=code("pipeline_figure"),
    script:
        "../scripts/pipeline_figure.py"


rule discrimination_figure:
    """Make the figure of ROC and precision-recall over the cut-off of the predicted volume."""
    input:
        metrics=publication.metrics_files(loaded),
    output:
        pdf="results/figures/discrimination.pdf",
        png=report("results/figures/discrimination.png", caption="captions/figure.rst", category="Figures"),
        txt="results/figures/discrimination.txt",
    log:
        "results/logs/discrimination_figure.log",
    benchmark:
        "results/benchmarks/discrimination_figure.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        choice=study.choices("classification"),
        classification=study.classification.model_dump(mode="json"),
        arch_labels=loaded.arch_labels,
        code=code("discrimination_figure"),
    script:
        "../scripts/discrimination_figure.py"


rule agreement_figure:
    """Make the figure of predicted against reference volumes."""
    input:
        metrics=publication.metrics_files(loaded),
    output:
        pdf="results/figures/agreement.pdf",
        png=report("results/figures/agreement.png", caption="captions/figure.rst", category="Figures"),
        txt="results/figures/agreement.txt",
    log:
        "results/logs/agreement_figure.log",
    benchmark:
        "results/benchmarks/agreement_figure.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        choice=study.choices("segmentation"),
        classification=study.classification.model_dump(mode="json"),
        alpha=study.statistics.alpha,
        arch_labels=loaded.arch_labels,
        code=code("agreement_figure"),
    script:
        "../scripts/agreement_figure.py"


rule dice_by_volume_figure:
    """Make the figure of Dice against the volume of patients and of lesions."""
    input:
        metrics=publication.metrics_files(loaded),
        lesions="results/metrics/lesions.parquet",
    output:
        pdf="results/figures/dice_by_volume.pdf",
        png=report("results/figures/dice_by_volume.png", caption="captions/figure.rst", category="Figures"),
        txt="results/figures/dice_by_volume.txt",
    log:
        "results/logs/dice_by_volume_figure.log",
    benchmark:
        "results/benchmarks/dice_by_volume_figure.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        choice=study.choices("segmentation"),
        classification=study.classification.model_dump(mode="json"),
        arch_labels=loaded.arch_labels,
        code=code("dice_by_volume_figure"),
    script:
        "../scripts/dice_by_volume_figure.py"


rule calibration_figure:
    """Make the figure of the reliability of the map and of the decision on a patient."""
    input:
        metrics=publication.metrics_files(loaded),
        maps=publication.map_files(loaded),
        bins=publication.map_files(loaded, "calibration"),
    output:
        pdf="results/figures/calibration.pdf",
        png=report("results/figures/calibration.png", caption="captions/figure.rst", category="Figures"),
        txt="results/figures/calibration.txt",
    log:
        "results/logs/calibration_figure.log",
    benchmark:
        "results/benchmarks/calibration_figure.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        choice=study.choices("classification"),
        classification=study.classification.model_dump(mode="json"),
        arch_labels=loaded.arch_labels,
        code=code("calibration_figure"),
    script:
        "../scripts/calibration_figure.py"


rule confusion_figure:
    """Make the confusion matrices of the decision on a patient."""
    input:
        metrics=publication.metrics_files(loaded),
    output:
        pdf="results/figures/confusion.pdf",
        png=report("results/figures/confusion.png", caption="captions/figure.rst", category="Figures"),
        txt="results/figures/confusion.txt",
    log:
        "results/logs/confusion_figure.log",
    benchmark:
        "results/benchmarks/confusion_figure.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        choice=study.choices("classification"),
        classification=study.classification.model_dump(mode="json"),
        arch_labels=loaded.arch_labels,
        code=code("confusion_figure"),
    script:
        "../scripts/confusion_figure.py"


rule learning_curves_figure:
    """Make the figure of the loss of every training."""
    input:
        models=[f"results/models/{arch}/{inputs}/fold{fold}/manifest.json" for arch, inputs, fold in loaded.trained],
    output:
        pdf="results/figures/learning_curves.pdf",
        png=report("results/figures/learning_curves.png", caption="captions/figure.rst", category="Figures"),
        txt="results/figures/learning_curves.txt",
    log:
        "results/logs/learning_curves_figure.log",
    benchmark:
        "results/benchmarks/learning_curves_figure.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        trained=loaded.trained,
        arch_labels=loaded.arch_labels,
        code=code("learning_curves_figure"),
    script:
        "../scripts/learning_curves_figure.py"
