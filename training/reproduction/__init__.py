"""The paper that this product started from, arXiv:2006.08925, measured again beside its figures."""
