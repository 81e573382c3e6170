"""Simulate one patient: build, scan, and write images with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.simulate.anatomy import HeadModel, Layer, build_head
from residua.simulate.contrast import SEQUENCES, air, brightness, draw_texture, draw_tissues, render
from residua.simulate.deposits import Extent
from residua.simulate.design import Design, Scanner
from residua.simulate.geometry import (
    Matrix,
    draw_grid,
    draw_movement,
    drawn_mask,
    sample,
    sampled_labels,
    sampled_mask,
    write_itk,
)
from residua.simulate.plan import Assignment
from residua.simulate.rater_masks import Mask, Scene, rate, raters_of
from residua.simulate.scanner import acquire
from residua.simulate.surgery import Operation, operate
from residua.simulate.survival import draw_survival
from residua.simulate.tissues import CODES, Tissue
from residua.simulate.world import Field, World

Row = dict[str, str]
REFERENCE, BEFORE = "post_t1ce", "pre_t1ce"


@dataclass(frozen=True)
class _Session:
    """Scanner, grid and position of one sequence."""

    scanner: Scanner
    grid: Grid
    movement: Matrix


@dataclass(frozen=True)
class Subject:
    """A patient as built: head and operation in the world, and the sessions in which they are scanned."""

    assignment: Assignment
    world: World
    head: HeadModel
    operation: Operation
    sessions: dict[str, _Session]


def simulate_patient(out: Path, seed: int, assignment: Assignment, design: Design) -> tuple[Row, list[Row]]:
    """Write one patient's images, labels and truth below ``out``; return the rows for cohort.tsv and raters.tsv."""
    subject, (scans, ratings, person) = build_subject(seed, assignment, design)
    row = _scan(out, scans, subject) | _labels(out, subject)
    tissues = tissues_of(subject)
    _write_truth(out, subject, tissues)
    rated = _rate(out, ratings, subject, tissues, design) if assignment.rated else []
    return {**_person(person, subject, design), **_followed(person, subject, design), **row}, rated


def build_subject(
    seed: int, assignment: Assignment, design: Design
) -> tuple[Subject, tuple[np.random.Generator, np.random.Generator, np.random.Generator]]:
    """Build a patient; return it with the random numbers of its scans, its raters and the person."""
    # Each part has its own random numbers: a change in one part leaves the others unchanged.
    anatomy, disease, scans, ratings, person = np.random.default_rng([seed, assignment.number]).spawn(5)
    world = World(design.world_mm)
    head = build_head(world, anatomy)
    operation = operate(world, disease, head, assignment.residual_tumor, design.disease)
    subject = Subject(assignment, world, head, operation, _sessions(scans, assignment, design))
    return subject, (scans, ratings, person)


def _sessions(rng: np.random.Generator, assignment: Assignment, design: Design) -> dict[str, _Session]:
    scanners = design.hospitals[assignment.hospital].scanners
    shares = np.array([scanner.share for scanner in scanners])
    after, before = (scanners[i] for i in rng.choice(len(scanners), 2, p=shares / shares.sum()))
    sessions = {}
    for sequence in SEQUENCES:
        scanner = before if sequence == BEFORE else after
        largest = design.other_session if sequence == BEFORE else design.same_session
        movement = np.eye(4) if sequence == REFERENCE else draw_movement(rng, largest)
        sessions[sequence] = _Session(scanner, draw_grid(rng, getattr(scanner, sequence)), movement)
    return sessions


def _scan(out: Path, rng: np.random.Generator, subject: Subject) -> Row:
    tissues, texture = draw_tissues(rng), draw_texture(subject.world, rng)
    row = {}
    for sequence in SEQUENCES:
        session = subject.sessions[sequence]
        picture = _picture(subject, sequence, tissues, texture)
        # Missing sequences are drawn too, so that the rest of the patient does not depend on them.
        clean = sample(subject.world, picture, session.grid, session.movement)
        voxels = acquire(rng, clean, session.grid, session.scanner)
        row[sequence] = "" if sequence in subject.assignment.lacking else _image(out, subject, sequence, voxels)
    return row


def _picture(subject: Subject, sequence: str, tissues: dict[str, Tissue], texture: Field) -> Field:
    """Render ``sequence`` with perfect coils, on the grid of the world."""
    bright = brightness(tissues, subject.sessions[sequence].scanner, sequence)
    layers, operation = subject.head.layers, subject.operation
    nothing = air(subject.world, bright)
    if sequence == BEFORE:
        return render([*layers, *operation.before], bright, nothing) * texture
    unmoved = render([*layers, *operation.spared], bright, nothing) * texture
    return render(operation.after, bright, operation.shift.pulled(unmoved))


def _image(out: Path, subject: Subject, sequence: str, voxels: NDArray[np.int16]) -> str:
    name = f"images/{subject.assignment.patient}/{sequence}.nii.gz"
    volumes.save(Image(voxels, subject.sessions[sequence].grid), out / name)
    return name


def _labels(out: Path, subject: Subject) -> Row:
    # Tools for brain extraction include the nearest fluid around the brain; so does the truth.
    brain = (subject.head.brain.brain_mm < 1.0).astype(np.float32)
    operation, after, before = subject.operation, subject.sessions[REFERENCE], subject.sessions[BEFORE]
    residual = _drawn(subject, operation.residual, after)
    masks = {
        "residual": (residual, REFERENCE, "images"),
        "pre_tumor": (_drawn(subject, operation.tumor, before), BEFORE, "images"),
        "brain_mask": (_filled(subject, brain, after), REFERENCE, "truth"),
        "cavity": (_filled(subject, operation.cavity, after) & ~residual, REFERENCE, "truth"),
        "blood": (_drawn(subject, operation.blood, after) & ~residual, REFERENCE, "truth"),
    }
    row = dict.fromkeys(masks, "")
    for name, (mask, sequence, folder) in masks.items():
        if sequence not in subject.assignment.lacking:
            row[name] = f"{folder}/{subject.assignment.patient}/{name}.nii.gz"
            volumes.save(Image(mask, subject.sessions[sequence].grid), out / row[name])
    return row


def _drawn(subject: Subject, extent: Extent, session: _Session) -> Mask:
    return drawn_mask(subject.world, extent.share, extent.volume_ml, session.grid, session.movement)


def _filled(subject: Subject, share: Field, session: _Session) -> Mask:
    return sampled_mask(subject.world, share, session.grid, session.movement)


def _write_truth(out: Path, subject: Subject, tissues: NDArray[np.uint8]) -> None:
    folder = out / "truth" / subject.assignment.patient
    for sequence in SEQUENCES:
        if sequence != REFERENCE:
            write_itk(subject.sessions[sequence].movement, folder / f"{sequence}.tfm")
    subject.operation.shift.write_itk(folder / f"{BEFORE}_shift.nii.gz")
    volumes.save(Image(tissues, subject.sessions[REFERENCE].grid), folder / "tissues.nii.gz")


def tissues_of(subject: Subject) -> NDArray[np.uint8]:
    """Return the tissue of each voxel of the reference scan."""
    before = _coded(subject.world, [*subject.head.layers, *subject.operation.spared])
    after = subject.operation.shift.pulled(before, order=0)
    for tissue, share in subject.operation.after:
        after[share >= 0.5] = CODES[tissue]
    session = subject.sessions[REFERENCE]
    return sampled_labels(subject.world, after, session.grid, session.movement)


def _coded(world: World, layers: list[Layer]) -> NDArray[np.uint8]:
    codes = np.full(world.shape, CODES["air"], np.uint8)
    for tissue, share in layers:
        codes[share >= 0.5] = CODES[tissue]
    return codes


def draw_scene(subject: Subject, tissues: NDArray[np.uint8]) -> Scene:
    """Return what raters see of a patient on the reference scan with these ``tissues``."""
    operation, session = subject.operation, subject.sessions[REFERENCE]
    residual = _drawn(subject, operation.residual, session)
    return Scene(
        residual=residual,
        cavity=_filled(subject, operation.cavity, session) & ~residual,
        blood=_drawn(subject, operation.blood, session) & ~residual,
        vessel=np.isin(tissues, [CODES["vessel"], CODES["dura"], CODES["pia"]]) & ~residual,
        wall=(tissues == CODES["wall"]) & ~residual,
        spacing_mm=session.grid.spacing_mm,
    )


def _rate(
    out: Path, rng: np.random.Generator, subject: Subject, tissues: NDArray[np.uint8], design: Design
) -> list[Row]:
    scene, patient, ratings = draw_scene(subject, tissues), subject.assignment.patient, []
    for rater in raters_of(design):
        path = f"raters/{rater.name}/{patient}.nii.gz"
        volumes.save(Image(rate(rng, rater, scene), subject.sessions[REFERENCE].grid), out / path)
        ratings.append({"patient": patient, "rater": rater.name, "expertise": rater.expertise, "mask": path})
    return ratings


def _person(rng: np.random.Generator, subject: Subject, design: Design) -> Row:
    assignment, scanner = subject.assignment, subject.sessions[REFERENCE].scanner
    window_hours = design.hospitals[assignment.hospital].window_hours
    return {
        "patient": assignment.patient,
        "hospital": assignment.hospital,
        "role": "auto",
        "exclusion_reason": "",
        "hours_since_surgery": f"{rng.uniform(6.0, window_hours - 2.0):.0f}",
        "age": f"{np.clip(rng.normal(61.0, 11.0), 20.0, 88.0):.0f}",
        "sex": str(rng.choice(["F", "M"], p=[0.4, 0.6])),
        "field_strength_t": str(scanner.field_strength_t),
        "manufacturer": scanner.manufacturer,
    }


def _followed(rng: np.random.Generator, subject: Subject, design: Design) -> Row:
    if design.survival is None:
        return {}
    # Random numbers of its own, so that the rest of the person does not depend on it.
    return draw_survival(rng.spawn(1)[0], subject.operation.residual.volume_ml, design.survival)
