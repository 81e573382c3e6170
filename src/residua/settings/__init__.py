"""The configuration of a study: frozen models, one file a section."""
