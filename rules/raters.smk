# Human raters and networks, judged alike on the raters' patients of the hold-out.
CANDIDATES = [(arch, inputs) for arch in study.archs for inputs in study.candidates("raters", arch)] if raters else []
# Raters and networks are compared on patients whom every network has seen.
RATED = [p for p in raters.patients if all(has_inputs([p], inputs) for _, inputs in CANDIDATES)] if raters else []
RATINGS = [rating for rating in raters.ratings if rating.patient in RATED] if raters else []
CHOICE = {arch: study.statistics.best_inputs.raters[arch] for arch in study.archs}


rule rate:
    """Score every rater and every network's best inputs against the reference standard and the raters' consensus."""
    input:
        masks=[rating.mask for rating in RATINGS],
        references=[file_of(patient, RESIDUAL) for patient in RATED],
        segmentations=[f"results/segmentations/{arch}/{inputs}/test/manifest.json" for arch, inputs in CANDIDATES],
        metrics=[
            f"results/metrics/{arch}/{inputs}.parquet" for arch, inputs in CANDIDATES if CHOICE[arch] == "out_of_fold"
        ],
    output:
        "results/raters/scores.parquet",
    log:
        "results/logs/rate.log",
    benchmark:
        "results/benchmarks/rate.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=120,
    params:
        ratings=[{"patient": r.patient, "rater": r.rater, "expertise": r.expertise} for r in RATINGS],
        patients=RATED,
        candidates=CANDIDATES,
        choice=CHOICE,
        classification=study.classification.model_dump(mode="json"),
        code=code("rate"),
    script:
        "../scripts/rate.py"


rule compare_raters:
    """Test every network against every rater, the novices, the experts and all of them."""
    input:
        "results/raters/scores.parquet",
    output:
        "results/statistics/raters.parquet",
    log:
        "results/logs/compare_raters.log",
    benchmark:
        "results/benchmarks/compare_raters.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        alpha=study.statistics.alpha,
        code=code("compare_raters"),
    script:
        "../scripts/compare_raters.py"
