# The brain model: heads of many shapes, and the training of the slab-wise AGU-Net on them. This is no study.
#
# Needs: configuration.smk, with a configuration that has the section brain_model.
# Gives:
#   results/brain_model/{part}/{batch}/manifest.json    slabs of a batch of heads, to train on or held out
#   results/brain_model/model/manifest.json             weights, their description, the training's curve
from residua.brain_model.settings import load_brain_model
from residua.cluster.conda_standin import provide_conda
from residua.wiring import digests

provide_conda(HOUSE)
if workflow.deployment_settings.conda_prefix is None:
    workflow.deployment_settings.conda_prefix = HOUSE / ".snakemake" / "conda"

try:
    model = load_brain_model(config)
except ResiduaError as error:
    sys.exit(f"\n{error}\n")


wildcard_constraints:
    part="training|held_out",
    batch=r"\d+",


def code(script):
    """Return the digest of a script and of the library code that it uses."""
    return digests.of_script(HOUSE, script, ())


def slabs_of(part):
    """Return the manifests of all batches of a part."""
    return expand("results/brain_model/{part}/{batch}/manifest.json", part=part, batch=range(model.batches[part]))


rule make_training_heads:
    """Make the slabs of a batch of heads."""
    input:
        str(HOUSE / "src/residua/simulate/designs/table1.yaml"),
    output:
        "results/brain_model/{part}/{batch}/manifest.json",
    log:
        "results/logs/make_training_heads/{part}_{batch}.log",
    benchmark:
        "results/benchmarks/make_training_heads/{part}_{batch}.tsv"
    conda:
        str(HOUSE / "envs/core.yaml")
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        settings=model.training.model_dump(mode="json"),
        slab=model.slab,
        code=code("make_training_heads"),
    script:
        "../scripts/make_training_heads.py"


rule train_brain_model:
    """Train the network, unless only the code changed; a training that was ended goes on from its checkpoint."""
    input:
        training=slabs_of("training"),
        held_out=slabs_of("held_out"),
    output:
        "results/brain_model/model/manifest.json",
    log:
        "results/logs/train_brain_model.log",
    benchmark:
        "results/benchmarks/train_brain_model.tsv"
    conda:
        str(HOUSE / "envs/tensorflow.yaml")
    threads: 12
    resources:
        mem_mb=32000,
        runtime=10080,
        gpu=1,
    params:
        settings=model.model_dump(mode="json"),
        code=code("train_brain_model"),
    script:
        "../scripts/train_brain_model.py"
