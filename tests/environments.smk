# All environments of the project, so that tests can build and list them without a cohort.
import sys
from pathlib import Path

HOUSE = Path(workflow.basedir).parent
sys.path.insert(0, str(HOUSE / "src"))

from residua.cluster.conda_standin import provide_conda

provide_conda(HOUSE)
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
