"""From images on the reference grid, or in their own voxels, to what networks start from."""
