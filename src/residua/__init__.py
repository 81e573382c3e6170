"""Residua: the study of residual glioblastoma on early post-operative MRI, as software."""

__version__ = "0.1.0"
