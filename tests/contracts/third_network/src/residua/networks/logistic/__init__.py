"""A third network for the tests: logistic regression of every voxel on its channels."""
