"""Print running, success or failed: status.py SCHEDULER PATIENCE_S JOB."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from residua.cluster.job_status import status_or_running
from residua.cluster.schedulers import SCHEDULERS

print(status_or_running(SCHEDULERS[sys.argv[1]], sys.argv[3], float(sys.argv[2])))
