"""Tables of the article, as text in a frame, from tidy results."""
