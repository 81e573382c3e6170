# The report: one page that needs nothing beside it.
from residua.publish import digest
from residua.report.pins import pins_of

COMPARISONS = ["inputs", "architectures", "intervals", "overlaps", *(["raters"] if raters else [])]
MODELS = [(arch, inputs) for arch in study.archs for inputs in study.inputs]
TRAINED = [(arch, inputs, fold) for arch, inputs in MODELS for fold in FOLDS]
STACKS = {"core", *(study.settings_of(arch).environment for arch in study.archs)}
if study.brain_mask.method != "given":
    STACKS.add("torch")


def stages():
    """Digest of the code of every stage but the trainings, which go by the study's version."""
    scripts = {path.stem: path for path in sorted((HOUSE / "scripts").glob("[a-z]*.py"))}
    common = {name: code(name) for name in scripts if name not in ("train", "prepare", "predict", "report")}
    return common | {
        f"{name}, {label}": code_digest(scripts[name], HOUSE / "src", [f"residua.networks.{arch}.{name}"])
        for name in ("prepare", "predict")
        for arch, label in ARCH_LABELS.items()
    }


def page():
    """Digests of what the report takes from files that are no code: its layout and the article's values."""
    library = HOUSE / "src/residua"
    return [
        digest(file)
        for kind in ("report/*.html", "report/*.css", "article/*.csv")
        for file in sorted(library.glob(kind))
    ]


rule report:
    """The report of the run: cohort, methods, results, findings, deviations and provenance."""
    input:
        folds="results/cohort/folds.json",
        tables=expand("results/tables/{table}.html", table=TABLES),
        figures=expand("results/figures/{figure}.png", figure=FIGURES),
        captions=expand("results/figures/{figure}.txt", figure=FIGURES),
        metrics=[f"results/metrics/{arch}/{inputs}.parquet" for arch, inputs in MODELS],
        statistics=expand("results/statistics/{comparison}.parquet", comparison=COMPARISONS),
        thresholds=[f"results/segmentations/{arch}/{inputs}/threshold.json" for arch, inputs in MODELS],
        models=[f"results/models/{arch}/{inputs}/fold{fold}/manifest.json" for arch, inputs, fold in TRAINED],
    output:
        "results/report/index.html",
    log:
        "results/logs/report.log",
    benchmark:
        "results/benchmarks/report.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=study.model_dump(mode="json", exclude={"cohort", "raters"}),
        tables=list(TABLES),
        figures=list(FIGURES),
        statistics=COMPARISONS,
        models=MODELS,
        trained=TRAINED,
        arch_labels=ARCH_LABELS,
        stages=lambda wildcards: stages(),
        environments=lambda wildcards: {name: pins_of(environment(name)) for name in sorted(STACKS)},
        page=lambda wildcards: page(),
        code=code("report"),
    script:
        "../scripts/report.py"
