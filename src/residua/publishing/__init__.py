"""Write results so that no half-written one is used as finished, and say which code made them."""
