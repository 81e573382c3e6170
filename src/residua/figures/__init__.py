"""The figures of the article. Modules without matplotlib choose what is shown and say it; ``figure*`` draw."""
