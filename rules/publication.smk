# What the figures show and the report is made of: names and functions of both.
from residua.report.pins import pins_of

COMPARISONS = ["inputs", "architectures", "intervals", "overlaps", *(["raters"] if raters else [])]
MODELS = [(arch, inputs) for arch in study.archs for inputs in study.inputs]
TRAINED = [(arch, inputs, fold) for arch, inputs in MODELS for fold in FOLDS]
STACKS = {"core", study.brain_mask.environment, *(study.settings_of(arch).environment for arch in study.archs)}
EXAMPLES_HOSPITALS, EXAMPLES_PER_HOSPITAL = 4, 3


def outlined_on(column):
    """The label that Figure 1 outlines on a sequence: the one drawn on it, else the residual tumour if it is later."""
    drawn = [label for label, on in study.labels.items() if on == column]
    return drawn[0] if drawn else None if column.startswith("pre_") else RESIDUAL


OUTLINED = {column: outlined_on(column) for column in study.images if outlined_on(column)}


def example(patient):
    """What Figure 1 needs to show a patient; a label that the patient lacks is not outlined."""
    return {
        "hospital": cohort.patients[patient].hospital,
        "images": {column: on_the_reference(patient, column) for column in study.images},
        "residual": file_of(patient, RESIDUAL),
        "outlines": {
            column: on_the_reference(patient, label) for column, label in OUTLINED.items() if label in files_of(patient)
        },
    }


def patients_shown():
    """Who may be shown in Figure 1: the first complete patients of the first hospitals, in the order of the table."""
    by_hospital = {}
    for patient in cohort.patients:
        if patient in split.hospitals and cohort.has(patient, study.images):
            by_hospital.setdefault(split.hospitals[patient], []).append(patient)
    hospitals = list(by_hospital.values())[:EXAMPLES_HOSPITALS]
    return [patient for patients in hospitals for patient in patients[:EXAMPLES_PER_HOSPITAL]]


PATIENTS_SHOWN = patients_shown()
EXAMPLES = [example(patient) for patient in PATIENTS_SHOWN]
EXAMPLES_REGISTERED = [
    registration_of(patient, column, "quality.json") for patient in PATIENTS_SHOWN for column in study.sequences.moving
]
COMPARED = [(arch, inputs) for arch in study.archs for inputs in study.candidates("segmentation", arch)]


def stages():
    """Digest of the code of every stage but the trainings, which go by the study's version."""
    scripts = {path.stem: path for path in sorted((HOUSE / "scripts").glob("[a-z]*.py"))}
    common = {name: code(name) for name in scripts if name not in ("train", "prepare", "predict", "report")}
    common["mask_brain"] = code("mask_brain", study.brain_mask.modules)
    common["register"] = code("register", study.registration.modules)
    return common | {
        f"{name}, {label}": code_digest(scripts[name], HOUSE / "src", [f"residua.networks.{arch}.{name}"])
        for name in ("prepare", "predict")
        for arch, label in ARCH_LABELS.items()
    }


def page():
    """Digests of what the report takes from files that are no code: its layout and the article's values."""
    return layout("report/*.html", "pages/*.html", "pages/*.css", "article/*.csv")
