"""HTML pages of one style, each a single file."""
