# Brain masks of the reference sequence, and every channel stripped by them.
rule mask_brain:
    """Extract the brains of a batch of patients."""
    input:
        references=lambda wildcards: [file_of(patient, study.sequences.reference) for patient in patients_in(wildcards)],
        given=lambda wildcards: [file_of(patient, "brain_mask") for patient in patients_in(wildcards)] if study.brain_mask.method == "given" else [],
    output:
        "results/brain/{batch}/manifest.json",
    params:
        patients=patients_in,
        method=study.brain_mask.method,
        code=code("mask_brain"),
    log:
        "results/logs/mask_brain/{batch}.log",
    benchmark:
        "results/benchmarks/mask_brain/{batch}.tsv"
    threads: 2
    resources:
        mem_mb=8000,
        runtime=120,
    conda:
        environment("core" if study.brain_mask.method == "given" else "torch")
    script:
        "../scripts/mask_brain.py"


def unstripped(wildcards):
    """A channel's files on the reference grid, one per patient of the batch."""
    if wildcards.channel == study.sequences.reference:
        return [file_of(patient, wildcards.channel) for patient in patients_in(wildcards)]
    return [f"results/registered/{patient}/{wildcards.channel}.nii.gz" for patient in patients_in(wildcards)]


rule strip:
    """Set everything outside the brain to zero in one channel of a batch of patients."""
    input:
        images=unstripped,
        brain="results/brain/{batch}/manifest.json",
    output:
        "results/stripped/{channel}/{batch}/manifest.json",
    params:
        patients=patients_in,
        code=code("strip"),
    log:
        "results/logs/strip/{channel}_{batch}.log",
    benchmark:
        "results/benchmarks/strip/{channel}_{batch}.tsv"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    conda:
        environment("core")
    script:
        "../scripts/strip.py"
