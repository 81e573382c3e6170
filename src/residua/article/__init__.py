"""What the article printed, as data: to compare a run with, never to compute from."""
