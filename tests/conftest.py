"""What every test may use."""

import os
from typing import NoReturn

import pytest


def lacking(reason: str) -> NoReturn:
    """Skip a test whose means are not at hand here; where CI is set they must be, so fail."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; CI is set, so this must not be skipped", pytrace=False)
    pytest.skip(reason)
