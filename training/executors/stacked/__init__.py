"""Many trainings of one architecture as one batched program: the parts of `executors.stack`."""
