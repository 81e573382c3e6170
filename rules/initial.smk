# Weights from which trainings start, where the config names an ONNX file: read as data, compared with it, and kept.
#
# Needs: the file of networks.{arch}.initial_weights.
# Gives:
#   results/initial/{arch}/manifest.json   the weights, as a training of this network leaves them
rule take_initial_weights:
    """Take the weights of an ONNX file, after a random volume had the same answer from it and from the network."""
    input:
        lambda wildcards: training.onnx_of(loaded, wildcards.arch),
    output:
        "results/initial/{arch}/manifest.json",
    log:
        "results/logs/take_initial_weights/{arch}.log",
    benchmark:
        "results/benchmarks/take_initial_weights/{arch}.tsv"
    # A retry makes no other file fit.
    retries: 0
    conda:
        environment("onnx")
    threads: 1
    resources:
        mem_mb=growing(16000),
        runtime=60,
    params:
        settings=lambda wildcards: study.settings_of(wildcards.arch).model_dump(mode="json"),
        code=code_of_network("take_initial_weights", "from_onnx"),
    script:
        "../scripts/take_initial_weights.py"
