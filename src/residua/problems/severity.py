"""The severity of every check, said once: a check reports its problems through ``problem_of``.

Registrations and brain masks report through ``residua.problems.problem.failed`` instead: what they do does not depend
on this module, so that a new warning about a table repeats none of them.
"""

from __future__ import annotations

from residua.problems.problem import Problem, Severity

_WARNINGS = frozenset(
    (
        *(
            "patient-zeros",
            "hospital-zeros",
            "person-zeros",
            "source-repeated",
            "label-without-sequence",
            "survival-incomplete",
            "fold-without-positives",
            "fold-without-negatives",
        ),
        *("spacing-implausible", "spacing-disagrees", "units-not-mm", "affine-sheared", "affine-oblique"),
        *("orientation-missing", "qform-damaged", "sform-qform-disagree", "handedness-disagrees", "slope-not-finite"),
        *("field-of-view-small", "field-of-view-large", "slices-few", "session-in-name"),
        *("identity-in-header", "header-extension", "identity-in-name"),
        *("image-nearly-constant", "image-few-values", "image-wrapped"),
        *("scans-stripped", "scans-not-stripped"),
        *("label-outside-brain", "label-too-large", "residual-not-smaller", "brain-mask-volume"),
        *("initial-bundle-of-seen", "initial-bundle-prepared-differently", "initial-bundle-of-other-region"),
        "plan-of-other-data",
        *("intervals-of-two-levels", "bounds-without-subgroups"),
        "rated-left-out",
        *("prediction-missing", "prediction-unknown", "prediction-of-seen"),
        "patients-alike",
    )
)
_INELIGIBLE = frozenset(("not-annotated", "sequence-missing", "scan-too-late", "quality-too-low", "quality-unknown"))


def severity_of(check: str) -> Severity:
    """Return the severity of a check: an error, unless it stands in one of the lists above."""
    return "warning" if check in _WARNINGS else "ineligible" if check in _INELIGIBLE else "error"


def problem_of(
    check: str,
    what: str,
    remedy: str,
    patient: str | None = None,
    subject: str | None = None,
    row: int | None = None,
    file: str | None = None,
) -> Problem:
    """Return a problem with the severity of its check; where it is may be added later (``dataclasses.replace``)."""
    return Problem(check, severity_of(check), what, remedy, patient, subject, row, file)
