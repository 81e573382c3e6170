"""Every check by name, and what it finds. ``docs/reference/checks.md`` is made from it."""

from __future__ import annotations

from residua.problems.severity import severity_of

CATALOGUE: dict[str, dict[str, str]] = {
    "The tables": {
        "table-unreadable": "The table does not exist, or cannot be read",
        "table-encoding": "The table is neither UTF-8 nor UTF-16 text",
        "table-not-delimited": "A quotation mark is not closed, or a line cannot be split into cells",
        "workbook-unreadable": "A workbook is damaged, too large or locked, or it has several sheets and none is named",
        "cell-error": "A cell of a workbook holds an error such as #N/A",
        "cell-without-value": "A formula of a workbook has no stored value",
        "cells-merged": "Cells of a workbook are merged within the table",
        "cell-digits-lost": "A number of a workbook is longer than the digits that a workbook keeps",
        "table-empty": "The table has no header, or no row",
        "column-missing": "A column that the study needs is missing",
        "column-unnamed": "A column has no name",
        "column-repeated": "A column is twice in the header",
        "column-unknown": "An unknown column; the message suggests a known one",
        "row-width": "A row has more or fewer cells than there are columns",
        "identifier-unsafe": "The name of a patient, hospital or rater has other characters than letters and digits",
        "identifier-long": "An identifier is too long for the name of a file",
        "identifier-reserved": "An identifier is a name that Windows keeps for devices",
        "name-unknown": "NA, NaN, none, null or unknown is the hospital or person of patients who take part: all would "
        "be of one hospital, or one human being",
        "role-unknown": "The role is none of auto, holdout and exclude",
        "exclusion-without-reason": "A patient is excluded and no reason is given",
        "cell-not-a-number": "A clinical cell should hold a number and does not",
        "value-implausible": "An impossible age, time or field strength",
        "sex-unknown": "The sex is none of F, M and O, nor one of their usual spellings",
        "grade-unknown": "A grade of quality is none of poor, fair and good",
        "death-unknown": "A death is neither yes (1) nor no (0)",
        "survival-column-missing": "One of the columns survival_days and death is there without the other",
        "survival-incomplete": "A patient has survival_days without death or death without survival_days, and counts "
        "as unknown",
        "survival-before-scan": "The follow-up ends, by death or otherwise, before the scan",
        "path-home": "A path begins with ~",
        "path-foreign": "A web address, or a path as Windows writes it",
        "path-braces": "A path holds { or }, which the workflow would read as a placeholder",
        "patient-repeated": "A patient has two rows",
        "patient-case": "The names of two patients differ by upper and lower case only",
        "patient-zeros": "The names of two patients differ by zeros only",
        "hospital-case": "The names of two hospitals differ by upper and lower case only",
        "hospital-zeros": "The names of two hospitals differ by zeros only",
        "person-case": "The names of two persons differ by upper and lower case only",
        "person-zeros": "The names of two persons differ by zeros only",
        "source-repeated": "Two patients of a hospital have the same source_id",
    },
    "The rater table": {
        "expertise-unknown": "The expertise is neither novice nor expert",
        "mask-missing": "A rating has no mask",
        "rated-not-held-out": "A rated patient is not in the hold-out, or not in the cohort table",
        "rater-reserved": "A rater has the name of a group, the consensus or a network",
        "rater-case": "The names of two raters differ by upper and lower case only",
        "rater-expertise": "A rater is a novice in one row and an expert in another",
        "rating-repeated": "A rater has rated a patient twice",
        "mask-repeated": "Two rows have the same mask",
        "ratings-excluded": "Every rated patient is excluded from the cohort",
        "rated-left-out": "Some rated patients lack a channel of the input configurations that are compared",
        "rated-without-inputs": "No rated patient has the channels of the input configurations that are compared",
    },
    "Predictions made elsewhere": {
        "prediction-none": "No patient of the hold-out (or of a fold, where those choose a threshold) has a prediction",
        "prediction-missing": "Some patients of the hold-out have no prediction",
        "prediction-unknown": "A file has the name of a patient that the cohort table does not hold",
        "prediction-repeated": "Two patients have the same prediction",
        "prediction-is-reference": "A prediction is the file of the reference standard",
        "prediction-of-seen": "The network was trained on patients of the cohort, or it is not known whether it was",
        "prediction-off-grid": "A prediction does not lie on the grid of the reference sequence",
        "probability-not-finite": "A map of probabilities holds NaN or infinite values",
        "probability-out-of-range": "A map of probabilities holds values below 0 or above 1",
    },
    "The protocol": {
        "not-annotated": "There is no reference standard",
        "sequence-missing": "A sequence that the study or an input configuration needs is missing",
        "label-without-sequence": "A label lacks the sequence on which it was drawn, so that no network sees it",
        "scan-too-late": "The scan is later than the protocol's window, or the hospital's own",
        "quality-too-low": "A grade of quality is lower than the protocol's lowest",
        "quality-unknown": "There is no grade of quality, and the protocol asks for one",
        "inputs-without-patients": "No patient of a fold or of the hold-out has all channels of an input configuration",
        "inputs-without-shared-patients": "No patient of a fold has all input configurations that results choose from",
        "inputs-undecided": "Results cannot choose an input configuration: no fold's shared patients give a score",
    },
    "The configuration": {
        "weights-unusable": "A file of weights is missing, or its digest is not that of the configuration",
        "initial-bundle-unusable": "A bundle from which trainings start is not that of the configuration, cannot be "
        "read, or holds another network",
        "initial-bundle-of-seen": "It cannot be told whether the models of such a bundle know patients of the cohort",
        "initial-bundle-prepared-differently": "The patients of such a bundle were registered, masked or sampled in "
        "another way",
        "initial-bundle-of-other-region": "The models of such a bundle saw a region, and these trainings the whole "
        "brain, or another region",
        "too-few-before-surgery": "Fewer than two training patients of a fold have the scan and the tumour before "
        "surgery from which a network's trainings start",
        "plan-of-held-out": "A network's plan was made with brains of patients who are in the hold-out now, or does "
        "not say with whose",
        "plan-of-other-data": "Patients of the folds, channels or brain masks are others than when a network's plan "
        "was made",
        "intervals-of-two-levels": "statistics.interval_sd_multiplier is not that of statistics.alpha: the normal "
        "intervals are of another level than the others",
        "bounds-without-subgroups": "statistics.subgroup_bounds holds a number that is not among statistics.subgroups",
    },
    "The split": {
        "hospital-unplaced": "A hospital is neither in a fold nor in the hold-out",
        "hospital-without-patients": "The config or the table of folds names a hospital without patients",
        "mark-without-patients": "The config names a mark of the hold-out that no patient has in that column",
        "role-contradicts-folds": "A patient's role is holdout, but the hospital is in a fold",
        "fold-without-patients": "All patients of a fold, or of the hold-out, are excluded",
        "fold-without-positives": "A fold, or the hold-out, has no patient with residual tumour",
        "fold-without-negatives": "A fold, or the hold-out, has no gross total resection",
        "folds-table": "The table of folds cannot be used: its columns, numbers or hospitals",
        "folds-frozen": "The number of balanced folds differs from the number frozen at the first start",
        "folds-changed": "A table of frozen folds is not as the first start wrote it",
        "too-few-hospitals": "There are fewer hospitals than folds",
        "persons-table": "The table of persons drawn for the folds cannot be used, or contradicts the config",
        "too-few-persons": "There are fewer persons than folds",
        "person-on-two-sides": "The scans of one person lie on two sides of the split",
    },
    "Files": {
        "file-missing": "The file does not exist",
        "file-broken-link": "A link to a file that does not exist",
        "file-not-a-file": "A folder, or something else that is not a file",
        "file-unreadable": "The permissions do not allow reading the file",
        "file-empty": "The file has no content",
        "file-truncated": "The file ends before its voxels do",
        "file-header-only": "The file has a header and no voxels",
        "file-pack-damaged": "The compressed content cannot be unpacked",
        "file-wrong-extension": "The name does not say how the file is compressed",
        "file-lfs-pointer": "git-lfs has not fetched the file",
        "file-annex-pointer": "git-annex has not fetched the file",
        "file-dicom": "A DICOM file",
        "dicom-unusable": "A DICOM series for `residua predict`: not one series, not one volume, or not the patient's",
        "file-other-format": "Another format: NRRD, MGH, MINC, MetaImage, a NIfTI pair, a picture, an archive",
        "file-web-page": "A web page or JSON, as a failed download leaves",
        "file-not-nifti": "No known format",
        "file-too-large": "A header whose volume needs more memory than allowed (a decompression bomb)",
        "header-damaged": "The header contradicts itself or the format",
        "header-dims": "Impossible dimensions",
        "header-offset": "The voxels would begin beyond the end of the file",
        "image-4d": "Several volumes in one file",
        "image-4d-single": "One volume with a fourth axis of length 1",
        "image-not-3d": "A slice or a line instead of a volume",
        "voxel-type": "Colours or complex numbers",
    },
    "Place in space": {
        "spacing-not-positive": "A spacing that is zero, negative or not a number",
        "spacing-not-in-mm": "Spacing in metres or micrometres",
        "spacing-implausible": "Spacing below 0.1 or above 10 mm",
        "spacing-disagrees": "pixdim and affine give different spacings",
        "units-not-mm": "The header names another unit, but the numbers look like mm",
        "affine-not-finite": "An affine with NaN or infinite values",
        "affine-degenerate": "An affine that maps the volume onto a plane",
        "affine-sheared": "Axes that are not at right angles",
        "affine-oblique": "A volume tilted by more than 30°",
        "orientation-damaged": "Neither sform nor qform can be computed",
        "orientation-missing": "No orientation: left and right are a guess",
        "qform-damaged": "The qform is not a rotation",
        "sform-qform-disagree": "sform and qform place the volume differently",
        "handedness-disagrees": "sform and qform differ in left and right: one is left-handed",
        "scale-not-finite": "The offset of the values (scl_inter) is NaN or infinite",
        "slope-not-finite": "The factor of the values (scl_slope) is NaN or infinite",
        "field-of-view-small": "The volume is too small for a head",
        "field-of-view-large": "The volume is larger than a scanner's field of view",
        "slices-few": "Fewer than 10 slices",
    },
    "Between files": {
        "label-off-grid": "A mask is not on the grid of the image that it was drawn on",
        "label-of-other-sequence": "A mask is on the grid of another sequence",
        "sessions-swapped": "The grids of the labels show that scans before and after surgery are swapped",
        "session-in-name": "The file's name and its column name different sessions",
        "file-in-two-columns": "One file, by whatever path or link, in two columns",
        "file-of-two-patients": "One file, by whatever path or link, under two patients (before surgery: two persons)",
    },
    "Traces of identity": {
        "identity-in-header": "A field of the header may hold a name, date or number of a person",
        "header-extension": "The header has an extension, which may hold anything",
        "identity-in-extension": "An extension of the header names the patient",
        "identity-in-name": "The name of a file or folder may hold a name, date or number of a person",
    },
    "Voxels": {
        "voxels-unreadable": "The voxels cannot be read: truncated or damaged",
        "check-failed": "The check itself failed, perhaps for lack of memory; no patient is excluded because of it",
        "image-nan": "An image with NaN",
        "image-infinite": "An image with infinite values",
        "image-constant": "All voxels have the same value",
        "image-nearly-constant": "Nearly all voxels have the same value",
        "image-is-label": "A mask or label map in the place of an image",
        "image-few-values": "Few different values",
        "image-wrapped": "Bright voxels may have wrapped to negative numbers",
        "scans-stripped": "Reference scans look stripped, and the method of the brain mask is made for whole heads",
        "scans-not-stripped": "The method of the brain mask is `stripped`, and reference scans do not look so",
        "label-not-binary": "A mask with other values than 0 and 1",
        "label-float-edges": "A mask with values between 0 and 1 at its edge, as linear resampling leaves",
        "label-probability": "A map of probabilities in the place of a mask",
        "label-not-finite": "A mask with NaN or infinite values",
        "label-inverted": "A mask whose background and structure are swapped",
        "label-outside-head": "A mask that lies mostly outside the head",
        "label-outside-brain": "A mask that lies mostly outside the given brain mask",
        "label-too-large": "A mask that fills much of the head",
        "residual-not-smaller": "As much tumour after surgery as before: perhaps swapped",
        "brain-mask-empty": "An empty brain mask",
        "brain-mask-volume": "A brain mask whose volume is implausible for a brain",
        "sequences-identical": "The same voxels as another sequence of the patient",
        "patients-identical": "The same voxels under two patients, in whatever orientation they are stored",
        "scan-of-two-hospitals": "One scan under patients of two hospitals, exported with other intensities or voxels",
        "patients-alike": "Scans of two patients that may be one scan, exported anew, or two scans of one person",
    },
    "Registrations": {
        "registration-impossible": "A scan is empty or not finite, or the software finds no transform",
        "registration-dissimilar": "The registered scan does not resemble the reference",
        "registration-scaled": "The scan fits the reference only with an implausible scale",
    },
    "Extracted brain masks": {
        "reference-not-finite": "The reference has NaN or infinite values, so that no brain is extracted",
        "extraction-impossible": "The method finds no brain or no head in the reference, and makes no mask",
        "extraction-empty": "The extracted brain mask is empty",
        "extraction-volume": "The volume of the extracted brain mask is impossible for a brain",
        "extraction-in-pieces": "The extracted brain mask is in several large pieces",
    },
}
"""By group: the name of a check, which is stable, and what it finds."""

_INTRODUCTION = """# Checks

Generated from `src/residua/problems/catalogue.py` by `residua schema`; do not edit. `residua check` names the check of
every problem, and so do `excluded.tsv` and the participant flow. An **error** keeps the study from using a patient, or
from running (`on_invalid`, see [data.md](data.md)). The protocol excludes an **ineligible** patient. A **warning** asks
a person to check.
"""


def to_markdown() -> str:
    """Return the page ``docs/reference/checks.md``."""
    page = _INTRODUCTION
    for group, checks in CATALOGUE.items():
        page += f"\n## {group}\n\n| check | severity | finds |\n| --- | --- | --- |\n"
        page += "".join(f"| `{name}` | {severity_of(name)} | {finds} |\n" for name, finds in checks.items())
    return page
