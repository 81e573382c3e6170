# New patients: what a study trains comes out of bundles, and what becomes of every patient is listed.
#
# Needs: the bundles that the configuration names, and
#   results/cohort/checks/{batch}.json                        (cohort.smk)
#   results/registered/{patient}/{sequence}_quality.json      (register.smk)
#   results/brain/{batch}/manifest.json                       (brain.smk)
#   results/prepared/{arch}/{inputs}/holdout.json             (prepare.smk)
#   results/segmentations/{arch}/{inputs}/test/manifest.json  (segment.smk)
#   results/resection/{arch}/{inputs}.json                    (before.smk)
# Gives:
#   results/models/{arch}/{inputs}/fold{fold}/manifest.json   the models, as their trainings published them
#   results/segmentations/{arch}/{inputs}/threshold.json      the threshold that the study chose out of fold
#   results/patients.json                                     every patient of the table: the bundle, the files, the problems
rule unpack:
    """Check the bundles, and put models and thresholds where the stages expect those of a study."""
    input:
        # ancient: not time decides, but what was unpacked (see_replaced_files).
        ancient([bundle.path for bundle in loaded.bundles]),
    output:
        models=[file for model in loaded.by_model for file in preparation.models_of(loaded, *model)],
        thresholds=[f"results/segmentations/{arch}/{inputs}/threshold.json" for arch, inputs in loaded.by_model],
    log:
        "results/logs/unpack.log",
    benchmark:
        "results/benchmarks/unpack.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=60,
    params:
        models=list(loaded.by_model),
        folds=[loaded.folds_of(*model) for model in loaded.by_model],
        code=code("unpack"),
    script:
        "../scripts/unpack.py"


rule list_patients:
    """List what became of every patient: the bundle and why, the files, or the problems."""
    input:
        selections=[f"results/prepared/{arch}/{inputs}/holdout.json" for arch, inputs in loaded.models],
        probabilities=[f"results/ensemble/{arch}/{inputs}/manifest.json" for arch, inputs in loaded.models],
        masks=[f"results/segmentations/{arch}/{inputs}/test/manifest.json" for arch, inputs in loaded.models],
        thresholds=[f"results/segmentations/{arch}/{inputs}/threshold.json" for arch, inputs in loaded.models],
        resections=[f"results/resection/{arch}/{inputs}.json" for arch, inputs in loaded.models],
        failures="results/quality/failures.json",
        checks=expand("results/cohort/checks/{batch}.json", batch=cohort.candidates),
    output:
        "results/patients.json",
    log:
        "results/logs/list_patients.log",
    benchmark:
        "results/benchmarks/list_patients.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        models=loaded.models,
        patients=lambda wildcards: loaded.plan(),
        checked=[patients.checked(loaded, patient) for batch in cohort.candidates.values() for patient in batch],
        settings=study.model_dump(mode="json", exclude={"cohort", "raters", "machine"}),
        code=code("list_patients"),
    script:
        "../scripts/list_patients.py"
