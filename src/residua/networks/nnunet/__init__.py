"""nnU-Net (Isensee et al. 2021) through nnunetv2, used as a library.

The study's numbers become an explicit plans file; nothing is planned from the data. Arrays are RAS+ (x, y, z) outside
of this package and (z, y, x) inside, which is nnU-Net's order.
"""
