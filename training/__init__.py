"""Everything that needs a survey and a training environment, run from a checkout: `python -m training VERB`."""
