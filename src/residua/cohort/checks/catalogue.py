"""Every check by name: what it finds and how grave that is. ``docs/reference/checks.md`` is made from it."""

from __future__ import annotations

from typing import NamedTuple

from residua.problems.problem import Severity


class Check(NamedTuple):
    """How grave a finding is, and what it is."""

    severity: Severity
    finds: str


CATALOGUE: dict[str, dict[str, Check]] = {
    "The tables": {
        "table-unreadable": Check("error", "The table does not exist, or cannot be read"),
        "table-encoding": Check("error", "The table is neither UTF-8 nor UTF-16 text"),
        "table-not-delimited": Check("error", "A quotation mark is not closed, or a line cannot be split into cells"),
        "table-empty": Check("error", "The table has no header, or no row"),
        "column-missing": Check("error", "A column that the study needs is not there"),
        "column-unnamed": Check("error", "A column has no name"),
        "column-repeated": Check("error", "A column is there twice"),
        "column-unknown": Check("error", "A column that nobody knows; the message suggests one"),
        "row-width": Check("error", "A row has more or fewer cells than there are columns"),
        "identifier-unsafe": Check("error", "A patient, hospital or rater is not made of letters and digits only"),
        "identifier-long": Check("error", "An identifier is too long for the name of a file"),
        "identifier-reserved": Check("error", "An identifier is a name that Windows keeps for devices"),
        "role-unknown": Check("error", "The role is none of auto, holdout and exclude"),
        "exclusion-without-reason": Check("error", "A patient is excluded and no reason is given"),
        "cell-not-a-number": Check("error", "A clinical cell should hold a number and does not"),
        "value-implausible": Check("error", "An age, time or field strength that cannot be"),
        "sex-unknown": Check("error", "The sex is none of F, M and O, nor one of their usual spellings"),
        "path-home": Check("error", "A path begins with ~"),
        "path-foreign": Check("error", "A web address, or a path as Windows writes it"),
        "patient-repeated": Check("error", "A patient has two rows"),
        "patient-case": Check("error", "Two patients differ by upper and lower case only"),
        "patient-zeros": Check("warning", "Two patients differ by zeros only"),
        "hospital-case": Check("error", "Two hospitals differ by upper and lower case only"),
        "source-repeated": Check("warning", "Two patients of a hospital have one source_id"),
    },
    "The rater table": {
        "expertise-unknown": Check("error", "The expertise is neither novice nor expert"),
        "mask-missing": Check("error", "A rating has no mask"),
        "rated-not-held-out": Check("error", "A rated patient is not held out, or not in the cohort table"),
        "rater-reserved": Check("error", "A rater is called like a group, the consensus or a network"),
        "rater-case": Check("error", "Two raters differ by upper and lower case only"),
        "rater-expertise": Check("error", "One rater is novice here and expert there"),
        "rating-repeated": Check("error", "A rater has rated a patient twice"),
        "mask-repeated": Check("error", "One mask in two rows"),
        "ratings-excluded": Check("error", "Every rated patient is excluded from the cohort"),
    },
    "The protocol": {
        "not-annotated": Check("ineligible", "There is no reference standard"),
        "sequence-missing": Check("ineligible", "A sequence that the study or any inputs need is not there"),
        "scan-too-late": Check("ineligible", "The scan is later than the protocol's window, or the hospital's own"),
        "inputs-without-patients": Check(
            "error", "Nobody of a fold, or of the hold-out, has all channels of some inputs"
        ),
    },
    "The split": {
        "hospital-unplaced": Check("error", "A hospital is in no fold and not held out"),
        "hospital-without-patients": Check(
            "error", "The config or the table of folds names a hospital without patients"
        ),
        "role-contradicts-folds": Check("error", "A patient is to be held out and the hospital is in a fold"),
        "fold-without-patients": Check("error", "All patients of a fold, or of the hold-out, are left out"),
        "fold-without-positives": Check("warning", "A fold, or the hold-out, has no patient with residual tumour"),
        "fold-without-negatives": Check("warning", "A fold, or the hold-out, has no gross total resection"),
        "folds-table": Check("error", "The table of folds cannot be used: its columns, numbers or hospitals"),
        "folds-frozen": Check("error", "Another number of balanced folds than was frozen at the first start"),
        "too-few-hospitals": Check("error", "Fewer hospitals than folds"),
    },
    "Files": {
        "file-missing": Check("error", "The file does not exist"),
        "file-broken-link": Check("error", "A link to a file that does not exist"),
        "file-not-a-file": Check("error", "A folder, or something else that is no file"),
        "file-unreadable": Check("error", "The file may not be read"),
        "file-empty": Check("error", "The file has no content"),
        "file-truncated": Check("error", "The file ends before its voxels do"),
        "file-header-only": Check("error", "There is a header and no voxel"),
        "file-pack-damaged": Check("error", "What is packed cannot be unpacked"),
        "file-wrong-extension": Check("error", "The name does not say how the file is packed"),
        "file-lfs-pointer": Check("error", "git-lfs has not fetched the file"),
        "file-annex-pointer": Check("error", "git-annex has not fetched the file"),
        "file-dicom": Check("error", "A DICOM file"),
        "file-other-format": Check(
            "error", "Another format: NRRD, MGH, MINC, MetaImage, a NIfTI pair, a picture, an archive"
        ),
        "file-web-page": Check("error", "A web page or JSON, as a failed download leaves"),
        "file-not-nifti": Check("error", "Nothing that is known"),
        "file-too-large": Check(
            "error", "A header that would unpack to more memory than allowed (a decompression bomb)"
        ),
        "header-damaged": Check("error", "The header contradicts itself or the format"),
        "header-dims": Check("error", "Impossible dimensions"),
        "header-offset": Check("error", "The voxels would begin beyond the end of the file"),
        "image-4d": Check("error", "Several volumes in one file"),
        "image-4d-single": Check("error", "One volume with idle fourth axis"),
        "image-not-3d": Check("error", "A slice or a line instead of a volume"),
        "voxel-type": Check("error", "Colours or complex numbers"),
    },
    "Place in space": {
        "spacing-not-positive": Check("error", "A spacing that is zero, negative or no number"),
        "spacing-not-in-mm": Check("error", "Spacing in metres or micrometres"),
        "spacing-implausible": Check("warning", "Spacing below 0.1 or above 10 mm"),
        "spacing-disagrees": Check("warning", "pixdim and affine give different spacings"),
        "units-not-mm": Check("warning", "The header names another unit, and the numbers look like mm"),
        "affine-not-finite": Check("error", "An affine with NaN or infinite values"),
        "affine-degenerate": Check("error", "An affine that maps the volume onto a plane"),
        "affine-sheared": Check("warning", "Axes that are not at right angles"),
        "affine-oblique": Check("warning", "A volume tilted by more than 30°"),
        "orientation-damaged": Check("error", "Neither sform nor qform can be computed"),
        "orientation-missing": Check("warning", "No orientation: left and right are a guess"),
        "qform-damaged": Check("warning", "The qform is no rotation"),
        "sform-qform-disagree": Check("warning", "sform and qform place the volume differently"),
        "handedness-disagrees": Check("warning", "sform and qform differ in left and right: one is left-handed"),
        "scale-not-finite": Check("error", "Values are to be raised by NaN or infinity"),
        "slope-not-finite": Check("warning", "Values are to be multiplied by NaN or infinity"),
        "field-of-view-small": Check("warning", "No head fits into the volume"),
        "field-of-view-large": Check("warning", "More than a scanner's field of view"),
        "slices-few": Check("warning", "Fewer than 10 slices"),
    },
    "Between files": {
        "label-off-grid": Check("error", "A mask is not on the grid of the image that it was drawn on"),
        "label-of-other-sequence": Check("error", "A mask is on the grid of another sequence"),
        "sessions-swapped": Check(
            "error", "Scans before and after surgery have changed places, by the grids of their labels"
        ),
        "session-in-name": Check("warning", "A file's name speaks of the other session than its column"),
        "file-in-two-columns": Check("error", "One file, by whatever path or link, in two columns"),
        "file-of-two-patients": Check("error", "One file, by whatever path or link, under two patients"),
    },
    "Traces of identity": {
        "identity-in-header": Check("warning", "A field of the header may hold a name, date or number of a person"),
        "header-extension": Check("warning", "The header is extended, which may carry anything"),
        "identity-in-extension": Check("error", "An extension of the header names the patient"),
        "identity-in-name": Check(
            "warning", "The name of a file or folder may hold a name, date or number of a person"
        ),
    },
    "Voxels": {
        "voxels-unreadable": Check("error", "The voxels cannot be read: truncated or damaged"),
        "check-failed": Check(
            "error", "The check itself failed, for want of memory perhaps; nobody is left out for it"
        ),
        "image-nan": Check("error", "An image with NaN"),
        "image-infinite": Check("error", "An image with infinite values"),
        "image-constant": Check("error", "Every voxel is the same"),
        "image-nearly-constant": Check("warning", "Nearly every voxel is the same"),
        "image-is-label": Check("error", "A mask or label map in the place of an image"),
        "image-few-values": Check("warning", "Few different values"),
        "image-wrapped": Check("warning", "Bright voxels may have wrapped to negative numbers"),
        "label-not-binary": Check("error", "A mask with other values than 0 and 1"),
        "label-float-edges": Check(
            "error", "A mask with values between 0 and 1 at its edge, as linear resampling leaves"
        ),
        "label-probability": Check("error", "A map of probabilities in the place of a mask"),
        "label-not-finite": Check("error", "A mask with NaN or infinite values"),
        "label-inverted": Check("error", "Background and structure have changed places"),
        "label-outside-head": Check("error", "A mask that lies mostly outside the head"),
        "label-outside-brain": Check("warning", "A mask that lies mostly outside the given brain mask"),
        "label-too-large": Check("warning", "A mask that fills much of the head"),
        "residual-not-smaller": Check("warning", "As much tumour after surgery as before: swapped?"),
        "brain-mask-empty": Check("error", "An empty brain mask"),
        "brain-mask-volume": Check("warning", "A brain mask with no brain's volume"),
        "sequences-identical": Check("error", "The same voxels as another sequence of the patient"),
        "patients-identical": Check(
            "error", "The same voxels under two patients, in whatever orientation they are stored"
        ),
    },
}
"""By group: a check's name, which is stable, and what it finds."""

_INTRODUCTION = """# Checks

Generated from `src/residua/cohort/checks/catalogue.py` by `residua schema`; do not edit. `residua check` names the
check of every finding, and so do `excluded.tsv` and the participant flow. An **error** keeps the study from using a
patient, or from running (`on_invalid`, see [data.md](data.md)); an **ineligible** patient is left out by the protocol;
a **warning** is for a person to look at.
"""


def to_markdown() -> str:
    """The page ``docs/reference/checks.md``."""
    page = _INTRODUCTION
    for group, checks in CATALOGUE.items():
        page += f"\n## {group}\n\n| check | severity | finds |\n| --- | --- | --- |\n"
        page += "".join(f"| `{name}` | {check.severity} | {check.finds} |\n" for name, check in checks.items())
    return page
