"""`localizer VERB`, also as `python -m localizer VERB`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; the service is started without the libraries of the other verbs."""
    if sys.argv[1:2] == ["serve"]:
        from localizer.serve import main as serve

        sys.exit(serve(sys.argv[2:]))
    from localizer.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
