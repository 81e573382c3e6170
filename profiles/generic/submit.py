"""Submit a job script of Snakemake, and print the job's identifier: submit.py SCRIPT."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from residua.cluster.generic_settings import load_generic_cluster
from residua.cluster.schedulers import SCHEDULERS, request_of, submit
from residua.cluster.submitted import put_on_record
from residua.errors import ResiduaError
from residua.publishing.unwritable import writing_in

try:
    cluster, script = load_generic_cluster(), Path(sys.argv[-1])
    asked, scheduler = request_of(script, cluster.model_dump()), SCHEDULERS[cluster.scheduler]
    with writing_in(Path(".")):
        print(put_on_record(cluster.scheduler, lambda: submit(scheduler, asked, script)))
except ResiduaError as error:
    sys.exit(f"\n{error}\n")
