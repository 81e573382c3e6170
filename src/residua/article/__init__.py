"""The printed values of the article: runs are compared with them, nothing is computed from them."""
