"""The article's statistics: arrays in, numbers out; the reason replaces what cannot be estimated, never NaN."""
