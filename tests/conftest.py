"""What every test may use."""

import os
from typing import NoReturn

import pytest
from hypothesis import settings

# Both cores may be busy with something else: the time that one example takes says nothing.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


def lacking(reason: str) -> NoReturn:
    """Skip a test whose means are not at hand here; where CI is set they must be, so fail."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; CI is set, so this must not be skipped", pytrace=False)
    pytest.skip(reason)
