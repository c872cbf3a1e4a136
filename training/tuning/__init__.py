"""Hyper-parameter tuning: spaces, trials, studies, and the truth about what they gained."""
