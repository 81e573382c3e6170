# Brain masks of the reference sequence, and every channel stripped by them.
rule mask_brain:
    """Extract the brains of a batch of patients."""
    input:
        references=lambda wildcards: [file_of(patient, study.sequences.reference) for patient in patients_in(wildcards)],
        given=lambda wildcards: (
            [file_of(patient, "brain_mask") for patient in patients_in(wildcards)]
            if study.brain_mask.method == "given"
            else []
        ),
    output:
        "results/brain/{batch}/manifest.json",
    log:
        "results/logs/mask_brain/{batch}.log",
    benchmark:
        "results/benchmarks/mask_brain/{batch}.tsv"
    conda:
        environment(study.brain_mask.environment)
    threads: 2
    resources:
        mem_mb=growing(8000),
        # HD-BET takes minutes a patient on processors.
        runtime=480 if study.brain_mask.method == "hd-bet" else 120,
    params:
        patients=patients_in,
        settings=study.brain_mask.extraction(),
        code=code("mask_brain", study.brain_mask.modules),
    script:
        "../scripts/mask_brain.py"


rule strip:
    """Set everything outside the brain to zero in one channel of a batch of patients."""
    input:
        images=unstripped,
        registrations=lambda wildcards: registrations_of(wildcards, "quality.json"),
        brain="results/brain/{batch}/manifest.json",
    output:
        "results/stripped/{channel}/{batch}/manifest.json",
    log:
        "results/logs/strip/{channel}_{batch}.log",
    benchmark:
        "results/benchmarks/strip/{channel}_{batch}.tsv"
    conda:
        environment("core")
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=60,
    params:
        patients=patients_in,
        code=code("strip"),
    script:
        "../scripts/strip.py"
