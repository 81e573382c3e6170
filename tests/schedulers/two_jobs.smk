# Two jobs for a cluster: one that needs more memory than it asks for at first, and one after it.
rule all:
    localrule: True
    input:
        "second.txt",


rule first:
    output:
        "first.txt",
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=90,
    shell:
        "printf '{threads} {resources.mem_mb}' > {output}"


rule second:
    input:
        "first.txt",
    output:
        "second.txt",
    resources:
        mem_mb=2000,
        runtime=10,
        gpu=1,
    shell:
        "cp {input} {output}"
