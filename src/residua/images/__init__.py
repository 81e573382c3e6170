"""Volumes on grids in millimetres, and what is computed from one volume alone."""
