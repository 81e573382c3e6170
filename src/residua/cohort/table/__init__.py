"""The tables that a group writes: patients, ratings, and the cells of a row."""
