"""Networks of the study: packages with one contract, found by name.

Each stage of a network is a module of its own, so that an edit of the prediction leaves prepared channels valid.
"""
