"""Write results so that nothing half-written is ever taken for finished, and say which code made them."""
