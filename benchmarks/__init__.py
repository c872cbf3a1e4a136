"""What we measure, against whom, side by side in one run."""
