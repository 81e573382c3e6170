"""From probability maps to masks, by a threshold chosen out of fold."""
