"""Review a patient in 3D Slicer or ITK-SNAP, and take a corrected reference into the cohort table."""
