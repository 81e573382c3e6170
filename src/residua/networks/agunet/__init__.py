"""AGU-Net (Bouget et al. 2021) in Keras.

It is a U-Net of the whole volume with attention gates, multi-scale input and deep supervision. Arrays are (x, y, z,
channels) in RAS+ order, on one cube of fixed shape.
"""
