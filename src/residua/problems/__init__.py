"""What is wrong, with whom, and how to mend it: one record for tables, files, voxels, registrations and masks."""
