# Load and check the study once; names and input functions that the other rule files share.
import sys
from dataclasses import asdict
from pathlib import Path

HOUSE = Path(workflow.basedir)
sys.path.insert(0, str(HOUSE / "src"))

from residua.cohort import load_cohort
from residua.cohort.problems import raise_problems
from residua.cohort.files import kinds_of
from residua.errors import ResiduaError
from residua.provenance import code_digest
from residua.standin import provide_conda
from residua.study import load_study

provide_conda(HOUSE)
if workflow.deployment_settings.conda_prefix is None:
    # One set of environments per checkout, not one per study.
    workflow.deployment_settings.conda_prefix = HOUSE / ".snakemake" / "conda"

try:
    study = load_study(config)
    cohort = load_cohort(study, study.cohort)
except ResiduaError as error:
    sys.exit(f"\n{error}\n")

RESIDUAL = "residual"
SPLITS = ("validation", "test")
TABLES = ("table1", "table2", "table3")
TABLE_FORMATS = ("csv", "md")
COLUMN_KINDS = kinds_of(study)
FOLDS = sorted(study.folds)
SUBSETS = [*(f"fold{fold}" for fold in FOLDS), "holdout"]


wildcard_constraints:
    patient="[A-Za-z0-9]+",
    sequence="|".join(study.images),
    channel="|".join([*study.channels, RESIDUAL]),
    label="|".join(study.labels),
    batch="|".join(cohort.batches),
    arch="|".join(study.archs),
    inputs="|".join(study.inputs),
    fold="|".join(str(fold) for fold in FOLDS),
    subset="|".join(SUBSETS),
    split="|".join(SPLITS),


onstart:
    # Headers are read only when something will run: a dry run plans from the table alone.
    from residua.cohort.headers import check_headers

    try:
        problems = check_headers(study, cohort.patients.values())
        raise_problems(problems, f"{study.cohort}: the study cannot run on these images")
    except ResiduaError as error:
        sys.exit(f"\n{error}\n")


def environment(name):
    """The environment file of a software stack."""
    return str(HOUSE / "envs" / f"{name}.yaml")


def environment_of(wildcards):
    """The environment file of a network."""
    return environment(study.settings_of(wildcards.arch).environment)


def code(script):
    """Digest of a script and of the library code that it uses: rules that carry it rerun when that code changes."""
    return code_digest(HOUSE / "scripts" / f"{script}.py", HOUSE / "src")


def code_of_network(script, stage):
    """Like ``code``, with the network's own module for this stage."""
    return lambda wildcards: code_digest(
        HOUSE / "scripts" / f"{script}.py", HOUSE / "src", [f"residua.networks.{wildcards.arch}.{stage}"]
    )


def file_of(patient, column):
    """The file that the cohort table names."""
    return cohort.patients[patient].files[column]


def files_of(patient):
    """The files of a patient that the cohort table names, by column."""
    return dict(cohort.patients[patient].files)


def checked(patient):
    """What a check needs to know of a patient; not the row, which changes when another row is added."""
    return asdict(cohort.patients[patient]) | {"row": None, "clinical": {}}


def patients_in(wildcards):
    """The patients of a batch."""
    return list(cohort.batches[wildcards.batch])


def unused_on_the_reference():
    """What the study registers though no inputs use it: moving sequences, and labels drawn on them, of all patients."""
    columns = [*study.sequences.moving, *(label for label, on in study.labels.items() if on in study.sequences.moving)]
    unused = [column for column in columns if column not in study.channels]
    return [f"results/registered/{p}/{c}.nii.gz" for c in unused for p in cohort.split.patients if c in files_of(p)]


def batches_of(patients):
    """The batches in which some of these patients are."""
    wanted = set(patients)
    return [batch for batch, members in cohort.batches.items() if wanted & set(members)]


def is_label(channel):
    """Whether a channel holds a label rather than an image."""
    return channel in study.labels


def unstripped(wildcards):
    """A channel's files on the reference grid, one per patient of the batch."""
    if study.labels.get(wildcards.channel, wildcards.channel) == study.sequences.reference:
        return [file_of(patient, wildcards.channel) for patient in patients_in(wildcards)]
    return [f"results/registered/{patient}/{wildcards.channel}.nii.gz" for patient in patients_in(wildcards)]


def patients_of_subset(wildcards):
    """Who a fold's training sees (its validation included), or the hold-out."""
    if wildcards.subset == "holdout":
        return {"training": [], "validation": list(cohort.split.holdout)}
    fold = int(wildcards.subset.removeprefix("fold"))
    return {"training": list(cohort.split.training(fold)), "validation": list(cohort.split.validation(fold))}


def channels_of_subset(wildcards):
    """The channels of the inputs, and the reference standard where something is trained."""
    reference_standard = [] if wildcards.subset == "holdout" else [RESIDUAL]
    return [*study.inputs[wildcards.inputs], *reference_standard]


def prepared_manifests(wildcards):
    """The prepared batches of a fold or of the hold-out."""
    patients = [patient for group in patients_of_subset(wildcards).values() for patient in group]
    return [
        f"results/prepared/{wildcards.arch}/{channel}/{batch}/manifest.json"
        for channel in channels_of_subset(wildcards)
        for batch in batches_of(patients)
    ]


def out_of_fold(wildcards):
    """The probability maps of all validation patients."""
    return [f"results/predictions/{wildcards.arch}/{wildcards.inputs}/fold{fold}/manifest.json" for fold in FOLDS]


def validation_by_fold():
    """The validation patients of every fold, as builtins."""
    return {fold: list(cohort.split.validation(fold)) for fold in FOLDS}
