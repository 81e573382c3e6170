"""What a resection took and left: extent of resection, classes and diameters; volumes and masks in, numbers out."""
