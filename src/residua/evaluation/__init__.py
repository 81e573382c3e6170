"""Evaluation of any two folders of masks, without a study."""
