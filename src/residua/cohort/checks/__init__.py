"""Checks of the data: names, headers and voxels of files, and contradictions between them."""
