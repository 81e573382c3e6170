"""The article's statistics: arrays in, numbers out; what cannot be estimated is said in words, never NaN."""
