"""Read what a study left on disk: costs and tables."""
