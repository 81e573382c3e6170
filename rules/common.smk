# Start-up: load and check the study once, and give the other rule files what only Snakemake can tell.
#
# Needs: configuration.smk, the cohort table, and the rater table of a study or the bundles of an application.
# Gives: `study`, `cohort`, `split` and `raters`; `application`, None for a study; `to_make`, plans of networks that the
#   study waits for; `loaded`, which holds them for
#   residua.wiring; constraints of all wildcards; memory, environments and code digests of rules. A real run also writes,
#   before its first job:
#   results/cohort/excluded.tsv    patients whose data cannot be used (on_invalid: exclude)
#   results/cohort/placement.tsv   the hospitals of balanced folds
#   results/cohort/study.json      the configuration
#   results/cohort/given.json      the digests of the files of new patients; how the files of a study were when first seen
#   results/cohort/brain_weights.safetensors    weights of the brain mask's network, of an application whose bundles have any
import gc
import os
import sys
from collections import Counter

from residua.cluster.conda_standin import provide_conda
from residua.cluster.memory_needs import memory_again_mb, memory_mb
from residua.cohort.checks.results import invalid_patients, read_excluded, write_excluded
from residua.cohort.cohort import load_cohort
from residua.cohort.places import EXCLUDED, HEADERS, RESULTS, STUDY, VOXELS
from residua.cohort.ratings import load_ratings
from residua.cohort.split.folds import PLACEMENT
from residua.cohort.split.persons import PERSONS, freeze_persons
from residua.cohort.split.frozen import require_as_frozen, sealed_anew
from residua.cohort.split.placement import freeze
from residua.cohort.table.files import before_surgery, drawn_on, kinds_of
from residua.cohort.table.location import table_file
from residua.errors import ResiduaError
from residua.external.predictions import find_predictions, load_predictions
from residua.inference.given_files import GIVEN, GivenFiles
from residua.inference.unpacked import holds_others
from residua.networks.planning import planned_study
from residua.problems.lists import errors_of, raise_problems
from residua.publishing.failure_report import left_out_in_words
from residua.publishing.publish import read_json, write_json
from residua.publishing.seals import require_sealed
from residua.publishing.unwritable import writing_in
from residua.report.pins import pins_of
from residua.settings.application import BUNDLES
from residua.settings.base import REFERENCE_STANDARD
from residua.wiring import (
    casebook,
    combinations,
    conventions,
    corrections,
    digests,
    disk_use,
    elsewhere,
    faults,
    files,
    lacking,
    patients,
    planning,
    preoperative,
    preparation,
    prognosis,
    publication,
    quality,
    rating,
    reporting,
    resection,
    sharing,
    training,
    validation,
)
from residua.wiring.application import applied
from residua.wiring.given import given_files
from residua.wiring.loaded import LoadedStudy

FAILURES = "results/quality/failures.json"


# Snakemake plans with millions of small objects that live until it ends: search them less often for unused cycles.
gc.set_threshold(50_000, 20, 100)


def code(script, modules=()):
    """Return the digest of a script and of the library code that it uses; ``modules`` are those it finds by name.

    Inside a job, return a function that works it out: a job needs its own rule's digest only, at most.
    """
    if workflow.is_main_process:
        return digests.of_script(HOUSE, script, tuple(modules))
    return lambda wildcards: digests.of_script(HOUSE, script, tuple(modules))


def code_of_network(script, stage):
    """Return a function of the wildcards like ``code``, with the network's own module for this stage."""
    return lambda wildcards: code(script, digests.network_module(wildcards.arch, stage))


def layout(*patterns):
    """Return digests of files of the library that are no code and that a stage takes too: layouts and values."""
    return digests.of_files(HOUSE, *patterns)


def environment(name):
    """Return the environment file of a software stack."""
    return str(HOUSE / "envs" / f"{name}.yaml")


def environment_of(wildcards):
    """Return the environment file of a network."""
    return environment(study.settings_of(wildcards.arch).environment)


# Of each rule, the memory of the largest node for it, once SLURM was asked; a request beyond it would never run.
most_memory_mb = {}


def growing(mem_mb):
    """Return memory that doubles when a job is tried again, where a node has so much."""
    return lambda wildcards, attempt, rulename: memory_again_mb(mem_mb, attempt, most_memory_mb.get(rulename))


def growing_with_voxels(moved, every=lambda wildcards: False):
    """Return memory for a reference and what is brought to it, more where SyN works on every voxel; doubles likewise."""

    def request(wildcards, input, attempt, rulename):
        bytes_per_voxel = 120 if every(wildcards) else 40
        first = memory_mb([input.reference, input[moved]], 1000, bytes_per_voxel)
        return memory_again_mb(first, attempt, most_memory_mb.get(rulename))

    return request


def standing_problems():
    """Return the problems that exclude patients from this run. The main process finds them; its jobs read its list."""
    if study.on_invalid == "stop":
        return []
    if workflow.is_main_process:
        from residua.cohort.commands.standing import known_problems, problems_of

        if application:
            return problems_of(study, application.all_patients(), RESULTS, code("check_cohort"))
        return known_problems(study, study.cohort, RESULTS, code("check_cohort"))
    require_sealed([EXCLUDED])
    return read_excluded(EXCLUDED)


provide_conda(HOUSE)
if workflow.deployment_settings.conda_prefix is None:
    # One set of environments per checkout, not one per study.
    workflow.deployment_settings.conda_prefix = HOUSE / ".snakemake" / "conda"

try:
    if workflow.is_main_process:
        require_as_frozen(PLACEMENT, PERSONS)
    application = applied(config) if BUNDLES in config else None
    study = application.study if application else planned_study(config)
    known = standing_problems()
    if application:
        loaded = application.loaded(known)
        if application.validation:
            validation.require_measurable(loaded)
    else:
        cohort = load_cohort(study, study.cohort, invalid_patients(known))
        predictions = (load_predictions if workflow.is_main_process else find_predictions)(study, cohort)
        loaded = LoadedStudy(study, cohort, load_ratings(study, cohort), predictions)
        training.require_initial_bundles(study)
except ResiduaError as error:
    sys.exit(f"\n{error}\n")

to_make = [] if application else planning.plans_to_make(study)
if to_make and workflow.is_main_process:
    logger.info(f"This run makes {', '.join(to_make)} and ends; the same command then goes on with the study.")
given = GivenFiles(GIVEN) if workflow.is_main_process else None
given_paths = given_files(loaded) if workflow.is_main_process else set()
cohort, split, raters, predictions = loaded.cohort, loaded.split, loaded.raters, loaded.predictions


wildcard_constraints:
    patient=patients.PATIENT,
    sequence="|".join(study.images),
    channel=preparation.all_channels(loaded),
    label="|".join(study.labels),
    batch="|".join(cohort.candidates),
    arch="|".join([*study.archs, *study.elsewhere, *study.combinations]),
    inputs="|".join(dict.fromkeys([*study.inputs, *(inputs for _, inputs in loaded.predictions)])),
    fold="|".join(str(fold) for fold in loaded.folds),
    subset="|".join(loaded.subsets),
    given="|".join(lacking.names(loaded)) or patients.NOBODY,
    split="validation|test",


def ask_cluster():
    """Refuse what the cluster can never run, and keep how much memory jobs may ask for when they are tried again."""
    from residua.cluster import slurm

    asked, largest = {}, {}
    for job in (job for job in workflow.dag.needrun_jobs() if not job.is_local):
        group = workflow.dag.get_job_group(job)
        if (group or job) not in asked:
            name, resources = (group.groupid, group.resources) if group else (job.rule.name, job.resources)
            asked[group or job] = slurm.Request.of(name, resources, is_group=bool(group))
        if job.resources.get("mem_mb", 0) > largest.get(job.rule.name, (-1,))[0]:
            largest[job.rule.name] = (job.resources.get("mem_mb", 0), job, asked[group or job])
    offers = slurm.check_cluster(set(asked.values()))
    for name, (first_mb, job, request) in sorted(largest.items()) if offers else ():
        again_mb = job.rule.expand_resources(job.wildcards_dict, job.input, 2).get("mem_mb", 0)
        most_memory_mb[name] = slurm.most_memory_mb(request, offers)
        if again_mb > max(first_mb, most_memory_mb[name]):
            logger.warning(f"{name} is tried again with {first_mb} MB, not {again_mb}: no node has as much for it.")


def limit_jobs_with_a_card():
    """Start no more jobs with a graphics card than cards let run, unless --resources gpu=N says how many.

    Jobs on a cluster find their cards there. Without a card, jobs run on processors, which limit them.
    """
    from residua.cluster.cards import VISIBLE, most_jobs

    asking = any(job.resources.get("gpu") for job in workflow.dag.needrun_jobs())
    if not asking or not workflow.local_exec:
        return
    most = most_jobs(study.machine if application is None else application.machine, os.environ.get(VISIBLE))
    if most is not None and "gpu" not in workflow.global_resources:
        for limits in (workflow.scheduler.global_resources, workflow.scheduler.resources):
            limits["gpu"] = most
        logger.info(f"Graphics cards: at most {most} training(s) or prediction(s) at the same time.")


def planned_files():
    """Return every file that a job of this run will make."""
    return {str(file) for job in workflow.dag.needrun_jobs() for file in job.output}


def say_who_is_left_out():
    """Name the patients who failed and are left out, with the remedy, at the end of a run."""
    if faults.leaves_out(loaded) and os.path.isfile(FAILURES):
        if words := left_out_in_words(read_json(FAILURES)):
            logger.warning(f"\n{words}\n")


def say_what_is_planned():
    """Say, at the end of a run that made plans alone, how the study goes on."""
    if to_make and not planning.plans_to_make(study):
        logger.info(f"\nPlanned: {', '.join(to_make)}. The same command goes on with the study.\n")


onsuccess:
    # In place of that of run.smk.
    this_run.succeeded = True
    say_who_is_left_out()
    say_what_is_planned()


onerror:
    say_who_is_left_out()


onstart:
    # For a real run only: a dry run plans from the table alone, and writes nothing.
    from residua.cluster.processors import default_workers
    from residua.cohort.commands.standing import known_headers
    from residua.cohort.commands.start import start_problems
    from residua.inference.brain_weights import provide_brain_weights
    from residua.operations.last_command import keep_command

    try:
        if workflow.executor_plugin.name == "slurm":
            ask_cluster()
        limit_jobs_with_a_card()
        if application:
            provide_brain_weights(study, application.bundles)
        included = [patient for patient in cohort.patients.values() if not patient.excluded]
        # With on_invalid: exclude, the headers were read before the study was loaded.
        kept = f"{RESULTS}/{HEADERS}"
        problems = known_headers(study, included, kept, code("check_cohort")) if study.on_invalid == "stop" else []
        problems += start_problems(study, cohort, raters, not errors_of(problems), VOXELS, default_workers())
        raise_problems(problems, f"{study.cohort}: the study cannot run on these images")
        for kept in (problem for problem in problems if problem.check == "plan-of-other-data"):
            logger.warning(kept)
        machine = (application or study).machine
        if little := disk_use.require_room(loaded, planned_files(), machine):
            logger.warning(little)
    except ResiduaError as error:
        sys.exit(f"\n{error}\n")
    try:
        with writing_in(Path(".")):
            # The jobs of this run read both, so that they see the cohort for which this process planned.
            with sealed_anew([EXCLUDED, PLACEMENT, PERSONS, STUDY]):
                if study.on_invalid == "exclude":
                    write_excluded(EXCLUDED, known)
                freeze(study, cohort.placement, PLACEMENT)
                freeze_persons(cohort.places, PERSONS)
                # So that commands find the study by its folder.
                write_json(STUDY, study.model_dump(mode="json"))
            (given.keep if application else given.keep_as_seen)(given_paths)
            for file in log or ():
                keep_command(file, sys.argv[1:], targets=list(workflow.dag_settings.targets))
            this_run.begin()
    except ResiduaError as error:
        sys.exit(f"\n{error}\n")
    start_jobs_as_they_come()
    if not application and (without := preoperative.without_scans_in_words(loaded)):
        logger.info(without)
    excluded_by = Counter(patient.excluded_by for patient in cohort.patients.values() if patient.excluded)
    for by, number in excluded_by.items():
        logger.info(f"{number} patient(s) are excluded by the {by}; see results/cohort/flow.json")
