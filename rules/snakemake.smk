# What Snakemake does otherwise here: when its scheduler looks for work, what it examines, and what it says of a plan.
#
# Needs: `to_make` of common.smk, once its functions are called.
# Gives: functions that common.smk calls before the first job, and the Snakefile when all rules are known.
import re


def start_jobs_as_they_come():
    """Let the scheduler look for work when a job ends, and not ever more often.

    By default Snakemake starts at most 100 jobs a second, and to that end each pass of its scheduler plants another one
    a second later: after a thousand jobs it makes a thousand passes a second. A rate that a user sets stays.
    """
    rate = workflow.scheduler.job_rate_limiter
    if rate and (rate.max_jobs, rate.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def take_paths_as_they_are():
    """Let Snakemake keep one copy of every input path instead of two.

    The second is for workflows that a module gives another prefix, or that lie in a default storage; those keep it.
    """
    for each in workflow.rules:
        modifier = each.input_modifier
        if modifier and not modifier.modifies_prefixes and modifier.modify("results") == "results":
            each.input_modifier = None


def examine_what_only_waits():
    """Let Snakemake examine jobs that only wait (``ancient``) for a job that runs again.

    It takes all that lies behind such a job for due and examines none of it, but what only waits does not run: a label
    that was corrected repeated its check, and what had measured it stayed as it was until the next start.
    """
    from snakemake.dag import DAG

    walk = DAG.bfs
    if hasattr(walk, "past_what_waits"):
        return

    def past_what_waits(dag, direction, *jobs, stop=lambda job: False):
        if direction is not dag.depending:
            return walk(dag, direction, *jobs, stop=stop)
        reached, queue = set(jobs), list(jobs)
        while queue:
            behind = direction[queue.pop()].items()
            due = {job for job, files in behind if not all(file.is_ancient for file in files)} - reached
            reached |= due
            queue += due
        return (job for job in reached if not stop(job))

    past_what_waits.past_what_waits = True
    DAG.bfs = past_what_waits


def see_replaced_files(paths, given, remade=(), if_other_alone=False):
    """Let Snakemake take a given file with another content than a job read for another file, whatever its time.

    It compares contents only where a file is newer than what was made of it. A copy that keeps its time is often older.
    ``given`` knows the digests of files. Files whose digest Snakemake did not keep go by their time alone. ``remade`` are
    rules that must run again for another reason of this kind. With ``if_other_alone``, no file is read of which ``given``
    tells without reading it that it is the one that the job read.
    """
    from snakemake.persistence import PersistenceBase

    changed = PersistenceBase._input_changed

    def or_replaced(persistence, job, file=None):
        if changed(persistence, job, file) or job.rule.name in remade:
            return True
        made = persistence.metadata(file)
        read = {
            path: digest.removeprefix("sha256:") for path, digest in ((made and made.input_checksums) or {}).items()
        }
        inputs = [path for path in map(str, job.input) if path in paths and path in read]
        if if_other_alone:
            inputs = [path for path in inputs if given.may_be_other(path, made.starttime or 0)]
        return any(given.digest_of(path) not in (read[path], None) for path in inputs)

    PersistenceBase._input_changed = or_replaced


def examine_the_order_of_files():
    """Let Snakemake run a job again whose files changed places, as when the files of two patients are exchanged in a table.

    Scripts pair patients with files by their order; Snakemake compares sorted lists. Every record holds the checksums of the
    files in the order in which the job read them, so that no record must be written otherwise, nor any job repeated for it.
    A file too large for a checksum (``max-checksum-file-size``) has no place there.
    """
    from snakemake.persistence import PersistenceBase

    others = PersistenceBase._input_changed
    if hasattr(others, "in_order"):
        return

    def others_or_in_another_order(persistence, job, file=None):
        if others(persistence, job, file=file):
            return True
        record = persistence.metadata(file)
        before = list(record and record.input_checksums or ())
        known = set(before)
        return [path for path in dict.fromkeys(map(str, job.input)) if path in known] != before

    others_or_in_another_order.in_order = True
    PersistenceBase._input_changed = others_or_in_another_order


def examine_settings_by_name():
    """Let Snakemake run a job again whose settings exchanged their values.

    Snakemake compares the set of all values. From now on it records each with its name, and a record without names is
    compared as before.
    """
    from snakemake.persistence import NO_PARAMS_CHANGE, RECORD_FORMAT_VERSION, ParamsChange, PersistenceBase

    if hasattr(PersistenceBase._params, "by_name"):
        return

    def by_name(persistence, job):
        # Those that a rule works out from its files are not compared.
        is_worked_out = job.rule._is_deriving_function
        names = [name or "" for name, value in job.rule.params._allitems() if not is_worked_out(value)]
        values = map(persistence._serialize_param, job.non_derived_params)
        return sorted(f"{name}={value}" for name, value in zip(names, values, strict=True) if isinstance(value, str))

    def changed_by_name(persistence, job, file=None):
        changes, now = NO_PARAMS_CHANGE, set(by_name(persistence, job))
        for output in job.output if file is None else [file]:
            record = persistence.metadata(output)
            if not record or record.params is None or record.record_format_version < RECORD_FORMAT_VERSION:
                continue
            before = set(record.params)
            # What Python shows of a value never begins with a name and an equals sign.
            named = all(re.match(r"\w*=", value) for value in before)
            after = now if named else {value.partition("=")[2] for value in now}
            changes |= ParamsChange(only_old=before - after, only_new=after - before, files={output})
        return changes

    by_name.by_name = True
    PersistenceBase._params, PersistenceBase.params_changed = by_name, changed_by_name


def refuse_what_waits_for_plans():
    """Let Snakemake say of a target that exists only once there is a plan what it waits for, and not that no rule makes it."""
    if not to_make:
        return
    from snakemake.dag import DAG
    from snakemake.exceptions import MissingRuleException

    find = DAG.file2jobs

    async def or_say_what_is_first(dag, file, wildcards_dict=None):
        try:
            return await find(dag, file, wildcards_dict=wildcards_dict)
        except MissingRuleException:
            # Of a file that is an input it finds out so whether any rule makes it.
            if wildcards_dict is not None:
                raise
            raise WorkflowError(
                f"{file} cannot be made yet: a network waits for its plan, on which all trainings depend. First give the same "
                f"command with {' '.join(to_make)} in its place, then this one again."
            )

    DAG.file2jobs = or_say_what_is_first
