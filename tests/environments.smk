# All environments of the project, so that tests can build and list them without a cohort.
import os
import shutil
import sys
from pathlib import Path

HOUSE = Path(workflow.basedir).parent
if shutil.which("conda") is None:
    os.environ["PATH"] = os.pathsep.join([str(HOUSE / "envs/standin/bin"), os.path.dirname(sys.executable), os.environ["PATH"]])
workflow.deployment_settings.conda_prefix = HOUSE / ".snakemake" / "conda"
NAMES = [path.stem for path in sorted((HOUSE / "envs").glob("*.yaml"))]


rule all:
    input:
        expand("never/{name}", name=NAMES),


for name in NAMES:

    rule:
        name:
            f"need_{name}"
        output:
            f"never/{name}",
        conda:
            str(HOUSE / "envs" / f"{name}.yaml")
        shell:
            "exit 1"
