# Load and check the study once; names and input functions that the other rule files share.
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

HOUSE = Path(workflow.basedir)
sys.path.insert(0, str(HOUSE / "src"))

from residua.cohort.cohort import load_cohort
from residua.cohort.places import HEADERS, VOXELS
from residua.cohort.checks.results import invalid_patients, read_excluded, write_excluded
from residua.cohort.split.folds import PLACEMENT
from residua.cohort.split.placement import freeze
from residua.problems.problem import raise_problems
from residua.cohort.table.files import drawn_on, kinds_of
from residua.cohort.table.rater_table import load_raters
from residua.errors import ResiduaError
from residua.cluster.memory_needs import memory_mb
from residua.publishing.code_digest import code_digest
from residua.publishing.publish import digest
from residua.cluster.conda_standin import provide_conda
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.study import load_study

COHORT_RESULTS = "results/cohort"
EXCLUDED = f"{COHORT_RESULTS}/excluded.tsv"


def standing_problems():
    """What leaves patients out of this run: judged by the main process, which writes it down for its jobs to read."""
    if study.on_invalid == "stop":
        return []
    if workflow.is_main_process:
        from residua.cohort.commands.standing import known_problems

        return known_problems(study, study.cohort, COHORT_RESULTS, code("check_cohort"))
    return read_excluded(EXCLUDED)


def code(script, modules=()):
    """Digest of a script and of the library code that it uses: rules that carry it rerun when that code changes.

    ``modules`` are those that it finds by name.
    """
    return code_digest(HOUSE / "scripts" / f"{script}.py", HOUSE / "src", modules)


def layout(*patterns):
    """Digests of files of the library that are no code and that a stage takes too: layouts and values."""
    library = HOUSE / "src/residua"
    return [digest(file) for pattern in patterns for file in sorted(library.glob(pattern))]


provide_conda(HOUSE)
if workflow.deployment_settings.conda_prefix is None:
    # One set of environments per checkout, not one per study.
    workflow.deployment_settings.conda_prefix = HOUSE / ".snakemake" / "conda"

try:
    study = load_study(config)
    known = standing_problems()
    cohort = load_cohort(study, study.cohort, invalid_patients(known))
    split = cohort.split
    raters = load_raters(study.raters, split.holdout, list(split.excluded), split.patients) if study.raters else None
except ResiduaError as error:
    sys.exit(f"\n{error}\n")

RESIDUAL = REFERENCE_STANDARD
SAMPLED = study.preparation == "composed"
SPLITS = ("validation", "test")
ARCH_LABELS = {arch: study.settings_of(arch).label for arch in study.archs}
SUPPLEMENT = {"tukey": "inputs", "architectures": "architectures", "intervals": "intervals", "overlaps": "overlaps"}
if raters:
    SUPPLEMENT["raters"] = "raters"
TABLES = ("table1", "table2", "table3", "table4", "table_s2", *SUPPLEMENT)
TABLE_FORMATS = ("csv", "md", "tex", "html")
FIGURES = ("flow", "figure1", "figure3", *(["figure4"] if raters else []))
FIGURE_FORMATS = ("pdf", "png")
COLUMN_KINDS = kinds_of(study)
DRAWN_ON = drawn_on(study)
FOLDS = sorted(split.folds)
SUBSETS = [*(f"fold{fold}" for fold in FOLDS), "holdout"]


wildcard_constraints:
    patient="[A-Za-z0-9]+",
    sequence="|".join(study.images),
    channel="|".join([*study.channels, RESIDUAL]),
    label="|".join(study.labels),
    batch="|".join(cohort.candidates),
    arch="|".join(study.archs),
    inputs="|".join(study.inputs),
    fold="|".join(str(fold) for fold in FOLDS),
    subset="|".join(SUBSETS),
    split="|".join(SPLITS),
    supplement="|".join(SUPPLEMENT),


def start_jobs_as_they_come():
    """Let the scheduler look for work when a job ends, and not ever more often.

    By default Snakemake starts at most 100 jobs a second, and to that end each pass of its scheduler plants another one
    a second later: after a thousand jobs it makes a thousand passes a second. A rate that somebody asked for stays.
    """
    rate = workflow.scheduler.job_rate_limiter
    if rate and (rate.max_jobs, rate.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


onstart:
    # What follows is for a run only: a dry run plans from the table alone, and writes nothing.
    from residua.cohort.commands.standing import known_headers
    from residua.cluster.slurm import check_cluster

    try:
        if workflow.executor_plugin.name == "slurm":
            check_cluster(cluster_requests())
        included = [patient for patient in cohort.patients.values() if not patient.excluded]
        # Where they leave patients out they have been read already.
        kept = f"{COHORT_RESULTS}/{HEADERS}"
        problems = known_headers(study, included, kept, code("check_cohort")) if study.on_invalid == "stop" else []
        if raters:
            from residua.cohort.checks.rater_headers import check_rater_headers

            references = {patient: file_of(patient, study.sequences.reference) for patient in raters.patients}
            problems += check_rater_headers(raters, references)
        raise_problems(problems, f"{study.cohort}: the study cannot run on these images")
    except ResiduaError as error:
        sys.exit(f"\n{error}\n")
    # The jobs of this run read both, so that they see the cohort that this process planned for.
    if study.on_invalid == "exclude":
        write_excluded(EXCLUDED, known)
    freeze(study, cohort.placement, PLACEMENT)
    start_jobs_as_they_come()
    for by, number in left_out_by().items():
        logger.info(f"{number} patient(s) are left out by the {by}; results/cohort/flow.json says why")


def cluster_requests():
    """What every job and group that will be submitted asks of the cluster."""
    from residua.cluster.slurm import Request

    submitted = [workflow.dag.get_job_group(job) or job for job in workflow.dag.needrun_jobs() if not job.is_local]
    return {
        (
            Request.of(job.groupid, job.resources, is_group=True)
            if job.is_group()
            else Request.of(job.rule.name, job.resources)
        )
        for job in submitted
    }


def left_out_by():
    """How many patients are left out, by who leaves them out."""
    return Counter(patient.excluded_by for patient in cohort.patients.values() if patient.excluded)


def environment(name):
    """The environment file of a software stack."""
    return str(HOUSE / "envs" / f"{name}.yaml")


def growing(mem_mb):
    """Memory that doubles when a job is tried again; no further, for time limits make retries too."""
    return lambda wildcards, attempt: mem_mb * min(attempt, 2)


def growing_with_voxels(moved, registering=False):
    """Memory for a reference and what is brought to it, more where SyN works on every voxel; doubles on a retry."""

    def request(wildcards, input, attempt):
        every = registering and study.registration_of(wildcards.sequence).deformation.working_spacing_mm is None
        return memory_mb([input.reference, input[moved]], 1000, 120 if every else 40) * min(attempt, 2)

    return request


def environment_of(wildcards):
    """The environment file of a network."""
    return environment(study.settings_of(wildcards.arch).environment)


def code_of_network(script, stage):
    """Like ``code``, with the network's own module for this stage."""
    return lambda wildcards: code(script, [f"residua.networks.{wildcards.arch}.{stage}"])


def file_of(patient, column):
    """The file that the cohort table names."""
    return cohort.patients[patient].files[column]


def files_of(patient):
    """The files of a patient that the cohort table names, by column."""
    return dict(cohort.patients[patient].files)


def checked(patient):
    """What a check needs to know of a patient; not the row, which changes when another row is added."""
    known = {"row": None, "clinical": {}, "role": "auto", "exclusion_reason": "", "excluded_by": None}
    return asdict(cohort.patients[patient]) | known


def candidates_in(wildcards):
    """The patients of a batch, with those whom a check left out."""
    return list(cohort.candidates[wildcards.batch])


def patients_in(wildcards):
    """The patients of a batch; those who have the channel, where the path names one."""
    needed = (wildcards.channel,) if "channel" in wildcards.keys() else ()
    return [patient for patient in cohort.batches[wildcards.batch] if cohort.has(patient, needed)]


def batches_of(patients):
    """The batches in which some of these patients are."""
    wanted = set(patients)
    return [batch for batch, members in cohort.batches.items() if wanted & set(members)]


def has_inputs(patients, inputs):
    """Those of some patients who have every channel of the inputs."""
    return [patient for patient in patients if cohort.has(patient, study.inputs[inputs])]


def is_label(channel):
    """Whether a channel holds a label rather than an image."""
    return channel in study.labels


def on_the_reference(patient, column):
    """A patient's image or label on the reference grid."""
    if study.labels.get(column, column) == study.sequences.reference:
        return file_of(patient, column)
    return f"results/registered/{patient}/{column}.nii.gz"


def registration_of(patient, sequence, part):
    """One part of a patient's registration: the transform's affine.mat or warp.nii.gz, or the record quality.json."""
    return f"results/registered/{patient}/{sequence}_{part}"


def unstripped(wildcards):
    """A channel's files on the reference grid, one per patient of the batch."""
    return [on_the_reference(patient, wildcards.channel) for patient in patients_in(wildcards)]


def resected_from(wildcards):
    """The label of what surgery took from where this sequence shows it; none for other sequences and patients without."""
    label = study.registration.ignored
    known = label is not None and study.labels[label] == wildcards.sequence and label in files_of(wildcards.patient)
    return [file_of(wildcards.patient, label)] if known else []


def registrations_of(wildcards, part):
    """One part of a batch's registrations; none for a channel that lies on the reference grid."""
    sequence = study.labels.get(wildcards.channel, wildcards.channel)
    if sequence == study.sequences.reference:
        return []
    return [registration_of(patient, sequence, part) for patient in patients_in(wildcards)]


def made_for(wildcards):
    """What a network's preparation starts from: sampled or stripped channels; none where it takes the table's files."""
    if SAMPLED:
        return f"results/sampled/{wildcards.arch}/{wildcards.channel}/{wildcards.batch}/manifest.json"
    if wildcards.channel == RESIDUAL:
        return []
    return f"results/stripped/{wildcards.channel}/{wildcards.batch}/manifest.json"


def patients_of_subset(wildcards):
    """Who a fold's training sees (its validation included), or the hold-out."""
    if wildcards.subset == "holdout":
        training, validation = (), split.holdout
    else:
        fold = int(wildcards.subset.removeprefix("fold"))
        training, validation = split.training(fold), split.validation(fold)
    inputs = wildcards.inputs
    return {"training": has_inputs(training, inputs), "validation": has_inputs(validation, inputs)}


def channels_of_subset(wildcards):
    """The channels of the inputs, and the reference standard where something is trained."""
    reference_standard = [] if wildcards.subset == "holdout" else [RESIDUAL]
    return [*study.inputs[wildcards.inputs], *reference_standard]


def batches_of_subset(wildcards):
    """The batches of a fold's patients or of the hold-out."""
    return batches_of([patient for group in patients_of_subset(wildcards).values() for patient in group])


def prepared_manifests(wildcards):
    """The prepared batches of a fold or of the hold-out."""
    batches = batches_of_subset(wildcards)
    return [
        f"results/prepared/{wildcards.arch}/{channel}/{batch}/manifest.json"
        for channel in channels_of_subset(wildcards)
        for batch in batches
    ]


def out_of_fold(wildcards):
    """The probability maps of all validation patients."""
    return [f"results/predictions/{wildcards.arch}/{wildcards.inputs}/fold{fold}/manifest.json" for fold in FOLDS]


def validation_by_fold(wildcards):
    """The validation patients of every fold, as builtins."""
    return {fold: has_inputs(split.validation(fold), wildcards.inputs) for fold in FOLDS}


def metrics_files():
    """The measurements of every network and inputs."""
    return expand("results/metrics/{arch}/{inputs}.parquet", arch=study.archs, inputs=study.inputs)


def table_files(name):
    """The files of a table by their form."""
    return {form: f"results/tables/{name}.{form}" for form in TABLE_FORMATS}


def table_notes():
    """Footnotes of the tables that hold validation rows."""
    early = [ARCH_LABELS[arch] for arch in study.archs if study.settings_of(arch).early_stopping_on_validation]
    return [
        f"{label}: the fold that is reported also ended the training, so that its validation rows are optimistic."
        for label in early
    ]
