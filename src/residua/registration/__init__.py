"""Bring moving sequences and the labels drawn on them to the grid of the reference sequence."""
