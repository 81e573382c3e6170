"""A trained ensemble as one file or folder: what it holds, how it is read and checked, how it is written."""
