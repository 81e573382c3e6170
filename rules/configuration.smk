# Read the configuration: that of the command line, else the study as published.
#
# Needs: nothing but the files of the configuration. Each is read strictly first: Snakemake itself shows a traceback for a
#   file that is no YAML, and takes the last of two equal keys without a word.
# Gives: `config`; `HOUSE`, the folder of the checkout, whose library the rule files import.
import sys
from pathlib import Path

HOUSE = Path(workflow.basedir)
sys.path.insert(0, str(HOUSE / "src"))

from residua.errors import ResiduaError
from residua.settings.places import plain_place
from residua.settings.yaml_file import read_yaml

try:
    if workflow.is_main_process:
        # Rules name the files of the environments by it.
        plain_place(str(HOUSE))
        for file in workflow.overwrite_configfiles or [HOUSE / "config.yaml"]:
            read_yaml(Path(file))
except (ResiduaError, ValueError) as error:
    sys.exit(f"\n{error}\n")


if not workflow.overwrite_configfiles:

    configfile: workflow.source_path("../config.yaml")
