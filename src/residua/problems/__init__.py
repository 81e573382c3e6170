"""Problems: what is wrong, where, and how to correct it; one record for tables, files, voxels, registrations, masks."""
