"""One simulated patient: built, scanned, and written with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from residua import images
from residua.images import Grid, Image
from residua.simulate.anatomy import Head, build_head
from residua.simulate.contrast import SEQUENCES, draw_contrast, draw_texture, render
from residua.simulate.geometry import Matrix, draw_grid, draw_movement, sample, sampled_mask, write_itk
from residua.simulate.hospitals import HOLDOUT, Assignment, Hospital, Like, Spacing
from residua.simulate.raters import RATERS, Mask, rate
from residua.simulate.scanner import acquire
from residua.simulate.surgery import Disease, operate
from residua.simulate.world import World

Row = dict[str, str]


@dataclass(frozen=True)
class _Size:
    world_mm: float
    coarsening: float
    field_of_view_mm: Spacing
    least_ml: float


_SIZES = {
    "toy": _Size(2.0, 1.0, (160.0, 192.0, 162.0), 0.6),
    # Lumps of a few voxels would vanish on the coarse grid, so that they start larger.
    "micro": _Size(3.0, 1.6, (156.0, 188.0, 156.0), 1.6),
}

_LARGEST_MOVEMENT = {"post_t1": (4.0, 5.0), "post_flair": (4.0, 5.0), "pre_t1ce": (6.0, 8.0)}
"""Degrees and mm between a moving sequence and the reference; before surgery the patient lay in another session."""


def simulate_patient(out: Path, seed: int, assignment: Assignment, like: Like) -> tuple[Row, list[Row]]:
    """Write one patient's images, labels and truth below ``out``; the rows for cohort.tsv and raters.tsv."""
    size, rng = _SIZES[like], np.random.default_rng([seed, assignment.number])
    world = World(size.world_mm)
    head = build_head(world, rng)
    disease = operate(world, rng, head, assignment.gross_total, size.least_ml)
    grids = _grids(rng, assignment.hospital, size)
    movements = {sequence: draw_movement(rng, *largest) for sequence, largest in _LARGEST_MOVEMENT.items()}
    movements["post_t1ce"] = np.eye(4)
    row = _scan(out, rng, world, head, disease, assignment, grids, movements)
    row |= _truth(out, world, head, disease, assignment, grids, movements)
    ratings = _rate(out, rng, assignment, row) if assignment.hospital.name == HOLDOUT else []
    return {**_person(rng, assignment), **row}, ratings


def _grids(rng: np.random.Generator, hospital: Hospital, size: _Size) -> dict[str, Grid]:
    grids = {}
    for sequence in SEQUENCES:
        reference = sequence == "post_t1ce"
        spacing = hospital.reference_mm if reference else hospital.moving_mm
        x, y, z = (step * size.coarsening for step in spacing)
        stored_as, tilt = ("RAS", 0.0) if reference else (hospital.stored_as, hospital.oblique_degrees)
        grids[sequence] = draw_grid(rng, (x, y, z), size.field_of_view_mm, stored_as, tilt)
    return grids


def _scan(
    out: Path,
    rng: np.random.Generator,
    world: World,
    head: Head,
    disease: Disease,
    assignment: Assignment,
    grids: dict[str, Grid],
    movements: dict[str, Matrix],
) -> Row:
    contrast, texture = draw_contrast(rng), draw_texture(world, rng)
    row = {}
    for sequence in SEQUENCES:
        layers = head.layers + (disease.before if sequence == "pre_t1ce" else disease.after)
        picture = render(layers, contrast[sequence], texture)
        clean = sample(world, picture, grids[sequence], movements[sequence])
        voxels = acquire(rng, clean, grids[sequence], assignment.hospital)
        row[sequence] = f"images/{assignment.patient}/{sequence}.nii.gz"
        images.save(Image(voxels, grids[sequence]), out / row[sequence])
    return row


def _truth(
    out: Path,
    world: World,
    head: Head,
    disease: Disease,
    assignment: Assignment,
    grids: dict[str, Grid],
    movements: dict[str, Matrix],
) -> Row:
    # Tools for brain extraction count the nearest fluid around the brain in; so does the truth.
    brain = (head.brain_mm < 1.0).astype(np.float32)
    names = {
        "residual": (disease.residual, "post_t1ce", "images"),
        "pre_tumor": (disease.tumor_before, "pre_t1ce", "images"),
        "brain_mask": (brain, "post_t1ce", "truth"),
        "cavity": (disease.cavity, "post_t1ce", "truth"),
        "blood": (disease.blood, "post_t1ce", "truth"),
    }
    row = {}
    for name, (share, sequence, folder) in names.items():
        row[name] = f"{folder}/{assignment.patient}/{name}.nii.gz"
        mask = sampled_mask(world, share, grids[sequence], movements[sequence])
        images.save(Image(mask, grids[sequence]), out / row[name])
    for sequence in _LARGEST_MOVEMENT:
        write_itk(movements[sequence], out / "truth" / assignment.patient / f"{sequence}.tfm")
    return row


def _rate(out: Path, rng: np.random.Generator, assignment: Assignment, row: Row) -> list[Row]:
    residual, blood = images.load_mask(out / row["residual"]), images.load_mask(out / row["blood"])
    ratings = []
    for rater in RATERS:
        mask: Mask = rate(rng, rater, residual.data, blood.data, residual.grid.spacing_mm)
        path = f"raters/{rater.name}/{assignment.patient}.nii.gz"
        images.save(Image(mask, residual.grid), out / path)
        ratings.append({"patient": assignment.patient, "rater": rater.name, "expertise": rater.expertise, "mask": path})
    return ratings


def _person(rng: np.random.Generator, assignment: Assignment) -> Row:
    return {
        "patient": assignment.patient,
        "hospital": assignment.hospital.name,
        "role": "auto",
        "exclusion_reason": "",
        "hours_since_surgery": f"{rng.uniform(6.0, 70.0):.0f}",
        "age": f"{np.clip(rng.normal(61.0, 11.0), 20.0, 88.0):.0f}",
        "sex": str(rng.choice(["F", "M"], p=[0.4, 0.6])),
        "field_strength_t": str(assignment.hospital.field_strength_t),
        "manufacturer": assignment.hospital.manufacturer,
    }
