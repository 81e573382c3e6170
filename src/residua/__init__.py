"""Residua: the study of residual glioblastoma on early post-operative MRI, as software."""
