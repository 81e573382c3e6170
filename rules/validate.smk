# External validation: bundles measured on labelled patients of other hospitals, and what a threshold of their own brings.
#
# Needs: the reference standard of the cohort table, and
#   results/metrics/{arch}/{inputs}.parquet                          (measure.smk)
#   results/ensemble/{arch}/{inputs}/manifest.json                   (predict.smk)
#   results/segmentations/{arch}/{inputs}/threshold.json             (application.smk)
#   results/patients.json                                            (application.smk)
#   results/tables/{table}.html                                      (tables.smk)
# Gives:
#   results/statistics/external.parquet                              scores by bundle and hospital, beside the bundle's own
#   results/statistics/calibration.parquet                           reliability of the probability of residual tumour
#   results/statistics/reliability.parquet                           patients of similar probability
#   results/recalibration/{arch}/{inputs}/threshold.json             the threshold that a part of the cohort chose
#   results/recalibration/{arch}/{inputs}/candidates.parquet         volume and Dice of this part at every candidate
#   results/recalibration/{arch}/{inputs}/masks/manifest.json        the masks by it
#   results/recalibration/{arch}/{inputs}.parquet                    measurements of the rest of the cohort
#   results/statistics/recalibration.parquet                         both thresholds on the rest
#   results/validation.json                                          who was measured and who was not, and all scores
#   results/validation.html                                          the same with all tables, for readers
rule score_bundles:
    """Score the bundles on the external cohort and on each hospital, beside what they state of themselves."""
    input:
        publication.metrics_files(loaded),
    output:
        "results/statistics/external.parquet",
    log:
        "results/logs/score_bundles.log",
    benchmark:
        "results/benchmarks/score_bundles.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        stated=validation.stated(loaded),
        classification=study.classification.model_dump(mode="json"),
        statistics=study.statistics.model_dump(mode="json"),
        code=code("score_bundles"),
    script:
        "../scripts/score_bundles.py"


rule judge_calibrations:
    """Judge the probabilities of residual tumour that the bundles tell from predicted volumes."""
    input:
        publication.metrics_files(loaded),
    output:
        scores="results/statistics/calibration.parquet",
        bins="results/statistics/reliability.parquet",
    log:
        "results/logs/judge_calibrations.log",
    benchmark:
        "results/benchmarks/judge_calibrations.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        stated=validation.stated(loaded),
        classification=study.classification.model_dump(mode="json"),
        statistics=study.statistics.model_dump(mode="json"),
        code=code("judge_calibrations"),
    script:
        "../scripts/judge_calibrations.py"


rule choose_again:
    """Choose the threshold of a bundle again, by the rule of its study, on the drawn part of the external cohort."""
    input:
        predictions=["results/ensemble/{arch}/{inputs}/manifest.json"],
        references=lambda wildcards: preparation.reference_standards(
            loaded, validation.drawn_of(loaded, wildcards.arch, wildcards.inputs)
        ),
    output:
        threshold="results/recalibration/{arch}/{inputs}/threshold.json",
        candidates="results/recalibration/{arch}/{inputs}/candidates.parquet",
    log:
        "results/logs/choose_again/{arch}_{inputs}.log",
    benchmark:
        "results/benchmarks/choose_again/{arch}_{inputs}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=720,
    params:
        patients=lambda wildcards: {0: validation.drawn_of(loaded, wildcards.arch, wildcards.inputs)},
        postprocessing=lambda wildcards: validation.postprocessing_of_bundle(loaded, wildcards.arch, wildcards.inputs),
        classification=study.classification.model_dump(mode="json"),
        leave_failed_out=loaded.leaves_failed_out,
        code=code("choose_threshold"),
    script:
        "../scripts/choose_threshold.py"


rule segment_again:
    """Binarise at the threshold that was chosen again, and remove small components."""
    input:
        predictions=["results/ensemble/{arch}/{inputs}/manifest.json"],
        threshold=["results/recalibration/{arch}/{inputs}/threshold.json"],
    output:
        "results/recalibration/{arch}/{inputs}/masks/manifest.json",
    log:
        "results/logs/segment_again/{arch}_{inputs}.log",
    benchmark:
        "results/benchmarks/segment_again/{arch}_{inputs}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=240,
    params:
        given=None,
        postprocessing=lambda wildcards: validation.postprocessing_of_bundle(loaded, wildcards.arch, wildcards.inputs),
        code=code("segment"),
    script:
        "../scripts/segment.py"


rule measure_again:
    """Measure the rest of the external cohort, which did not choose the threshold."""
    input:
        test="results/recalibration/{arch}/{inputs}/masks/manifest.json",
        references=lambda wildcards: preparation.reference_standards(
            loaded, [case["patient"] for case in validation.rest_of(loaded, wildcards.arch, wildcards.inputs)]
        ),
    output:
        "results/recalibration/{arch}/{inputs}.parquet",
    log:
        "results/logs/measure_again/{arch}_{inputs}.log",
    benchmark:
        "results/benchmarks/measure_again/{arch}_{inputs}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=240,
    params:
        cases=lambda wildcards: validation.rest_of(loaded, wildcards.arch, wildcards.inputs),
        leave_failed_out=loaded.leaves_failed_out,
        lesions=patients.lesion_rule(loaded),
        code=code("measure"),
    script:
        "../scripts/measure.py"


rule score_thresholds:
    """Compare both thresholds of every bundle on the rest of the external cohort."""
    input:
        validation.files_of_thresholds(loaded),
    output:
        "results/statistics/recalibration.parquet",
    log:
        "results/logs/score_thresholds.log",
    benchmark:
        "results/benchmarks/score_thresholds.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        models=validation.compared_thresholds(loaded),
        classification=study.classification.model_dump(mode="json"),
        statistics=study.statistics.model_dump(mode="json"),
        code=code("score_thresholds"),
    script:
        "../scripts/score_thresholds.py"


rule summarise_validation:
    """Say who was measured and who was not, and put all tables on one page."""
    input:
        outcomes="results/patients.json",
        metrics=publication.metrics_files(loaded),
        scores="results/statistics/external.parquet",
        thresholds=["results/statistics/recalibration.parquet"] if application.validation.recalibrate else [],
        candidates=[each["candidates"] for each in validation.compared_thresholds(loaded)],
        tables=expand("results/tables/{table}.html", table=validation.tables(loaded)),
    output:
        record="results/validation.json",
        page=report("results/validation.html", caption="captions/report.rst", category="Pages"),
    log:
        "results/logs/summarise_validation.log",
    benchmark:
        "results/benchmarks/summarise_validation.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        tables=validation.tables(loaded),
        unlabelled=validation.unlabelled(loaded),
        notes=validation.notes(loaded),
        names=[f"{loaded.arch_labels[arch]} {inputs}" for arch, inputs in loaded.judged],
        layout=layout("validation/validation.html", "pages/head.html", "pages/style.css"),
        code=code("summarise_validation"),
    script:
        "../scripts/summarise_validation.py"
