# Human raters and networks, judged alike on the raters' patients of the hold-out. Only a study with raters plans this.
#
# Needs: the masks of the rater table, the reference standard of the cohort table, and
#   results/segmentations/{arch}/{inputs}/{split}/manifest.json   (segment.smk)
#   results/metrics/{arch}/{inputs}.parquet                       (measure.smk; where the results choose the input configuration)
# Gives:
#   results/raters/scores.parquet        every rater and network against the reference standard and the consensus
#   results/raters/further.parquet       the same against the references that statistics.further_consensus names
#   results/statistics/raters.parquet    every network against every rater and group of raters
#   results/statistics/paired_raters.parquet   the same, patient by patient, with tests of equivalence
#   results/statistics/rater_ranks.parquet     where every network ranks among the raters
CANDIDATES, RATED, RATINGS = rating.candidates(loaded), rating.rated_patients(loaded), rating.ratings(loaded)


rule rate:
    """Score the raters and each network's best inputs against the reference standard and the raters' consensus."""
    input:
        masks=[rating.mask for rating in RATINGS],
        references=preparation.reference_standards(loaded, RATED),
        segmentations=[f"results/segmentations/{arch}/{inputs}/test/manifest.json" for arch, inputs in CANDIDATES],
        metrics=rating.choosing_metrics(loaded),
        left_out=faults.left_out(loaded, "holdout"),
    output:
        scores="results/raters/scores.parquet",
        further="results/raters/further.parquet",
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
        choice=rating.choices(loaded),
        classification=study.classification.model_dump(mode="json"),
        further=study.statistics.further_consensus,
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
        persons=rating.persons(loaded),
        code=code("compare_raters"),
    script:
        "../scripts/compare_raters.py"


rule compare_raters_paired:
    """Compare every network with the raters patient by patient: whether it is on par, and where it ranks."""
    input:
        scores="results/raters/scores.parquet",
        further="results/raters/further.parquet",
    output:
        paired="results/statistics/paired_raters.parquet",
        ranks="results/statistics/rater_ranks.parquet",
    log:
        "results/logs/compare_raters_paired.log",
    benchmark:
        "results/benchmarks/compare_raters_paired.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        persons=rating.persons(loaded),
        statistics=study.statistics.without_subgroups(),
        code=code("compare_raters_paired"),
    script:
        "../scripts/compare_raters_paired.py"
