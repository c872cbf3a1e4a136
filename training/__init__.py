"""All that needs a survey and a training environment: `python -m training VERB` in a checkout."""

import os

# Where TensorFlow leaves oneDNN off, convolutions on small images take twice as long. It reads
# this when it is loaded, and a result must not depend on which process did the work: so it is set
# for all of them.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# Below errors it tells of processors and compilers; what goes wrong is an exception all the same.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
