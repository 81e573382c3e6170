# Copies of scans without faces: a workflow of its own, which residua import --deface runs.
#
# Needs: in the working directory
#   patients/{patient}.json    the images of each patient by column, and the masks that stay untouched
# Gives:
#   copies/{patient}/manifest.json    the copies, a picture, and what became of each image
import json
import sys
from pathlib import Path

HOUSE = Path(workflow.basedir).parent
sys.path.insert(0, str(HOUSE / "src"))

from residua.cluster.conda_standin import provide_conda
from residua.wiring import digests

provide_conda(HOUSE)
workflow.deployment_settings.conda_prefix = HOUSE / ".snakemake" / "conda"


def code(script, modules):
    """Return the digest of a script and of the library code that it uses."""
    return digests.of_script(HOUSE, script, modules)


def files_of(wildcards):
    """Return the images and masks of a patient."""
    patient = json.loads(Path("patients", f"{wildcards.patient}.json").read_text(encoding="utf-8"))
    return [*patient["images"].values(), *(label["file"] for label in patient["labels"])]


rule deface:
    """Copy the scans of a patient without the face, and show what was cut."""
    input:
        patient="patients/{patient}.json",
        files=files_of,
    output:
        "copies/{patient}/manifest.json",
    log:
        "logs/{patient}.txt",
    benchmark:
        "benchmarks/{patient}.tsv"
    conda:
        str(HOUSE / "envs" / "core.yaml")
    threads: 1
    resources:
        mem_mb=6000,
        runtime=120,
    params:
        code=code("deface", ()),
    script:
        "../scripts/deface.py"
