"""`localizer VERB`, also as `python -m localizer VERB`."""

from __future__ import annotations

import errno
import sys
from typing import Final

_OUTPUT_ENDS: Final = frozenset({errno.ENOSPC, errno.EIO, errno.EPIPE, errno.EDQUOT})
"""Errors of what the words go to: a full disk, a terminal or a pipe that is gone."""

INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as a shell gives it."""

NO_OUTPUT: Final = 1
"""Exit status if what was said could not be written."""


def main() -> None:
    """Run the command line; the service is started without the libraries of the other verbs."""
    try:
        sys.exit(_run(sys.argv[1:]))
    except KeyboardInterrupt:
        # Whoever presses it while the program still loads wants no trace of what was loaded.
        sys.exit(INTERRUPTED)
    except OSError as error:
        # What a command reads and writes has messages of its own: this is the terminal, the file
        # or the pipe that its words go to.
        if error.filename is not None or error.errno not in _OUTPUT_ENDS:
            raise
        print(f"localizer: the output cannot be written: {error.strerror}", file=sys.stderr)
        sys.exit(NO_OUTPUT)


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["serve"]:
        from localizer.serve import main as serve

        return serve(arguments[1:])
    from localizer.cli import run

    return run(arguments)


if __name__ == "__main__":
    main()
