"""Steps from images, on the reference grid or in their own voxels, to the files from which networks start."""
