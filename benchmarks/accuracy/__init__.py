"""`make accuracy`: the recipe on three public surveys, beside every simple method."""
