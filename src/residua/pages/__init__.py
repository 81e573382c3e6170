"""HTML pages of one look that need nothing beside them."""
