"""All that needs a survey and a training environment: `python -m training VERB` in a checkout."""
