"""Is the data what the study takes it for? Names, headers, voxels, and what they say about each other.

Loads nothing by itself: what is asked at every start must not wait for the libraries of what is asked once.
"""
