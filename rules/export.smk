# The models of one training configuration in the form of another program: a workflow of its own, which residua export runs.
#
# Needs: the configuration `environment`, `form` and `arch`, and in the working directory
#   ensemble.json            the models: folders by fold, channels, threshold
# Gives:
#   exported/manifest.json   the exported models, with a README.md
import sys
from pathlib import Path

HOUSE = Path(workflow.basedir).parent
sys.path.insert(0, str(HOUSE / "src"))

from residua.cluster.conda_standin import provide_conda
from residua.networks.exporting import exports_of
from residua.wiring import digests

provide_conda(HOUSE)
workflow.deployment_settings.conda_prefix = HOUSE / ".snakemake" / "conda"
FORM = exports_of(config["arch"])[config["form"]]


def code(script, modules):
    """Return the digest of a script and of the library code that it uses."""
    return digests.of_script(HOUSE, script, modules)


rule export_model:
    """Write the models in one form, in the environment of that form."""
    input:
        "ensemble.json",
    output:
        "exported/manifest.json",
    log:
        "log.txt",
    benchmark:
        "benchmark.tsv"
    conda:
        str(HOUSE / "envs" / f"{FORM.environment}.yaml")
    threads: workflow.cores
    resources:
        mem_mb=16000,
        runtime=120,
    params:
        module=FORM.module,
        code=code("export_model", (FORM.module,)),
    script:
        "../scripts/export_model.py"
