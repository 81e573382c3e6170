"""The figures of the article. Modules without matplotlib choose the contents and write captions; others draw."""
