"""Population-based training (Jaderberg et al., 2017): trials that learn from each other on the way.

Members of a population are one architecture in lock step. At every rung the worst quarter goes on
from the weights of the best quarter, with other settings. What comes out is a schedule.
"""
