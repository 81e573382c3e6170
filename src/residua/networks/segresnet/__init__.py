"""SegResNet (Myronenko 2018) through MONAI, used as a library.

It is a U-Net of residual blocks without the autoencoder of its article, trained by the recipe of MONAI's Auto3DSeg.
Arrays are (channels, x, y, z) in RAS+ order.
"""
