"""The pooled locator: several ways to locate, weighted on the training side, in one graph.

An equal pool of methods that err differently beats the winner of a cross-validation, and weights
that are chosen by cross-validation and held near equal beat both where one method fails outright.
"""
