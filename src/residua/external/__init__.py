"""Predictions made elsewhere: found and checked at the door, then judged as those of the study's own networks."""
