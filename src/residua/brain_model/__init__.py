"""The brain model: heads of many shapes, and the training of the slab-wise AGU-Net on them."""
