"""The kinds of parameters."""

from training.tuning.choice import ChoiceParameter
from training.tuning.parameter import Group, Infeasible, Number, Parameter
from training.tuning.ranges import FloatParameter, IntParameter

AnyParameter = FloatParameter | IntParameter | ChoiceParameter
"""What a space is made of."""

__all__ = [
    "AnyParameter",
    "ChoiceParameter",
    "FloatParameter",
    "Group",
    "Infeasible",
    "IntParameter",
    "Number",
    "Parameter",
]
