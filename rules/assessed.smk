# What the quality control of a patient looks at: what the networks see of registrations, brain mask and labels.
ASSESSED = [
    column for column in study.sequences.moving if column in (*study.channels, *map(study.labels.get, study.channels))
]
LABELS_SHOWN = [label for label in study.labels if label == RESIDUAL or label in study.channels]


def assessed_sequences(patient):
    """What the networks see of a patient's registrations: the image as stored, registered, and its numbers."""
    return {
        column: {
            "moving": file_of(patient, column),
            "registered": on_the_reference(patient, column),
            "quality": registration_of(patient, column, "quality.json"),
        }
        for column in ASSESSED
        if column in files_of(patient)
    }


def assessed_labels(patient):
    """A patient's labels as drawn, and warped where they were drawn on another sequence."""
    shown = [label for label in LABELS_SHOWN if label in files_of(patient)]
    return {
        label: {
            "drawn": file_of(patient, label),
            "warped": None if study.labels[label] == study.sequences.reference else on_the_reference(patient, label),
        }
        for label in shown
    }


def used_registrations():
    """The records of all registrations that networks see."""
    return [
        files["quality"]
        for members in cohort.batches.values()
        for patient in members
        for files in assessed_sequences(patient).values()
    ]


def assessed_cases(wildcards):
    """What the quality control of a batch reads."""
    return [
        {
            "patient": patient,
            "reference": file_of(patient, study.sequences.reference),
            "sequences": assessed_sequences(patient),
            "labels": assessed_labels(patient),
        }
        for patient in patients_in(wildcards)
    ]


def assessed_files(wildcards):
    """The same as a list of files."""
    cases = assessed_cases(wildcards)
    parts = [files for case in cases for files in (*case["sequences"].values(), *case["labels"].values())]
    return [case["reference"] for case in cases] + [file for files in parts for file in files.values() if file]
