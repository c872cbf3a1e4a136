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


LONGEST = ("test_demo.py", "test_tune.py", "test_run.py", "test_evaluation.py")
"""Files that take a minute or more: begun last, one process would be left with them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)
