# One run at a time in the folder of a study, and the same command after any end.
#
# Needs: configuration.smk; what common.smk gives, once jobs are planned.
# Gives: functions that common.smk and the Snakefile call. `.snakemake/residua/run.json` says who runs.
import atexit
import os
import sys
from contextlib import chdir, suppress
from pathlib import Path

from residua.cluster.claim import claim_folder, give_up
from residua.cluster.leaving import Leaving
from residua.cluster.orphans import cancel_all, living_jobs, settle
from residua.cluster.submission import outlast_controller, try_preempted_again
from residua.cluster.submitted import SUBMITTER, any_submitted, cancel_submitted, forget_submitted, settle_submitted
from residua.cluster.with_run import MARK
from residua.publishing.unwritable import writing_in
from residua.settings.machine import machine_of


class ThisRun:
    """The main process of a real run, from its planning to its end."""

    def __init__(self):
        self.succeeded = False
        try:
            if workflow.execution_settings.no_hooks:
                raise ResiduaError(
                    "--no-hooks: a run checks and marks its jobs in a hook; give the command without it."
                )
            with writing_in(Path(".")):
                self.claim = claim_folder()
            self.leaving = Leaving(self.claim.run.id)
            self.leaving.hear()
            atexit.register(self.end)
            self.go_on()
        except ResiduaError as error:
            sys.exit(f"\n{error}\n")

    def go_on(self):
        """Settle what earlier runs left, and take their lock away."""
        orphans = machine_of(config).orphans
        for run in self.claim.before:
            logger.warning(
                f"The last run in this folder {'ended early' if run.stopped else 'was killed'} ({run}); this one goes on."
            )
            settle(run, orphans, logger.warning)
        settle_submitted(orphans, logger.warning)
        if self.claim.before:
            workflow.persistence.cleanup_locks()
            os.makedirs(os.path.join(".snakemake", "locks"), exist_ok=True)
        self.claim.nothing_is_left()

    def begin(self):
        """Mark the jobs to come, and listen again: the scheduler heard SIGTERM in another way."""
        executor = workflow.scheduler._executor
        if name := getattr(executor, "run_uuid", None):
            self.claim.note_slurm(name)
            outlast_controller(executor, lambda: self.leaving.asked, logger.warning)
            try_preempted_again(executor)
        os.environ[SUBMITTER] = self.claim.run.id
        self.leaving.hear()
        # Jobs on a cluster have nothing to do with the processes of this machine. Not earlier: helpers of this process
        # itself, such as multiprocessing's tracker, are no jobs.
        os.environ.pop(MARK, None)
        if workflow.local_exec:
            os.environ[MARK] = f"{self.claim.run.id}:{os.getpid()}"

    def end(self):
        """Wait for all that was asked to leave, and give the folder up."""
        if os.getpid() != self.claim.run.process:
            # A forked child gives nothing up.
            return
        with chdir(self.claim.study):
            self.leaving.see_off(self.cancel)
            self.claim.release(self.jobs_may_live())
        self.leaving.say_stopped()

    def cancel(self):
        """Cancel what this run submitted while its jobs were cancelled."""
        if self.claim.run.slurm:
            cancel_all(self.claim.run.slurm)
        cancel_submitted(self.claim.run.id)

    def jobs_may_live(self):
        """Whether jobs of a cluster may outlive this run: Snakemake gives all up where one cannot be asked about."""
        if self.succeeded or not any_submitted():
            forget_submitted()
        if self.succeeded:
            return False
        if self.claim.run.slurm:
            with suppress(ResiduaError):
                return self.leaving.asked or bool(living_jobs(self.claim.run.slurm))
            return True
        return any_submitted()


this_run = None


def run_alone():
    """Take the folder just before jobs are planned; for a plan alone, or inside a job, nobody does."""
    if not workflow.is_main_process:
        return
    plan, unlock = workflow._build_dag, workflow.unlock

    def plan_alone():
        global this_run
        if workflow.executor_plugin is not None and not workflow.dryrun:
            this_run = ThisRun()
        plan()

    def unlock_if_dead():
        try:
            with writing_in(Path(".")):
                give_up()
        except ResiduaError as error:
            sys.exit(f"\n{error}\n")
        unlock()

    workflow._build_dag, workflow.unlock = plan_alone, unlock_if_dead


onstart:
    # A study has more to do, in common.smk.
    this_run.begin()


onsuccess:
    this_run.succeeded = True
