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
from residua.simulate.rater_masks import RATERS, Mask, rate
from residua.simulate.scanner import acquire
from residua.simulate.surgery import Operation, operate
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
class _Subject:
    assignment: Assignment
    world: World
    head: HeadModel
    operation: Operation
    sessions: dict[str, _Session]


def simulate_patient(out: Path, seed: int, assignment: Assignment, design: Design) -> tuple[Row, list[Row]]:
    """Write one patient's images, labels and truth below ``out``; return the rows for cohort.tsv and raters.tsv."""
    # Each part has its own random numbers: a change in one part leaves the others unchanged.
    anatomy, disease, scans, ratings, person = np.random.default_rng([seed, assignment.number]).spawn(5)
    world = World(design.world_mm)
    head = build_head(world, anatomy)
    operation = operate(world, disease, head, assignment.residual_tumor, design.disease)
    subject = _Subject(assignment, world, head, operation, _sessions(scans, assignment, design))
    row = _scan(out, scans, subject) | _labels(out, subject)
    _write_truth(out, subject)
    rated = _rate(out, ratings, assignment, row) if assignment.rated else []
    return {**_person(person, subject, design), **row}, rated


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


def _scan(out: Path, rng: np.random.Generator, subject: _Subject) -> Row:
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


def _picture(subject: _Subject, sequence: str, tissues: dict[str, Tissue], texture: Field) -> Field:
    """Render ``sequence`` with perfect coils, on the grid of the world."""
    bright = brightness(tissues, subject.sessions[sequence].scanner, sequence)
    layers, operation = subject.head.layers, subject.operation
    nothing = air(subject.world, bright)
    if sequence == BEFORE:
        return render([*layers, *operation.before], bright, nothing) * texture
    unmoved = render([*layers, *operation.spared], bright, nothing) * texture
    return render(operation.after, bright, operation.shift.pulled(unmoved))


def _image(out: Path, subject: _Subject, sequence: str, voxels: NDArray[np.int16]) -> str:
    name = f"images/{subject.assignment.patient}/{sequence}.nii.gz"
    volumes.save(Image(voxels, subject.sessions[sequence].grid), out / name)
    return name


def _labels(out: Path, subject: _Subject) -> Row:
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


def _drawn(subject: _Subject, extent: Extent, session: _Session) -> Mask:
    return drawn_mask(subject.world, extent.share, extent.volume_ml, session.grid, session.movement)


def _filled(subject: _Subject, share: Field, session: _Session) -> Mask:
    return sampled_mask(subject.world, share, session.grid, session.movement)


def _write_truth(out: Path, subject: _Subject) -> None:
    folder = out / "truth" / subject.assignment.patient
    for sequence in SEQUENCES:
        if sequence != REFERENCE:
            write_itk(subject.sessions[sequence].movement, folder / f"{sequence}.tfm")
    subject.operation.shift.write_itk(folder / f"{BEFORE}_shift.nii.gz")
    before = _coded(subject.world, [*subject.head.layers, *subject.operation.spared])
    after = subject.operation.shift.pulled(before, order=0)
    for tissue, share in subject.operation.after:
        after[share >= 0.5] = CODES[tissue]
    session = subject.sessions[REFERENCE]
    labels = sampled_labels(subject.world, after, session.grid, session.movement)
    volumes.save(Image(labels, session.grid), folder / "tissues.nii.gz")


def _coded(world: World, layers: list[Layer]) -> NDArray[np.uint8]:
    codes = np.full(world.shape, CODES["air"], np.uint8)
    for tissue, share in layers:
        codes[share >= 0.5] = CODES[tissue]
    return codes


def _rate(out: Path, rng: np.random.Generator, assignment: Assignment, row: Row) -> list[Row]:
    residual, blood = volumes.load_mask(out / row["residual"]), volumes.load_mask(out / row["blood"])
    ratings = []
    for rater in RATERS:
        mask: Mask = rate(rng, rater, residual.data, blood.data, residual.grid.spacing_mm)
        path = f"raters/{rater.name}/{assignment.patient}.nii.gz"
        volumes.save(Image(mask, residual.grid), out / path)
        ratings.append({"patient": assignment.patient, "rater": rater.name, "expertise": rater.expertise, "mask": path})
    return ratings


def _person(rng: np.random.Generator, subject: _Subject, design: Design) -> Row:
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
