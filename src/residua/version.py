"""The version, in a module that no stage imports: a release must not rerun a study."""

__version__ = "0.1.0"
