"""A run of a stub's study in a process of its own: what Ctrl-C and kill -9 are tried on."""

from __future__ import annotations

import json
import sys

from tests.training.tuning.studies import new_study, stub_crew
from training.tuning.run import run_study
from training.tuning.stops import Limits
from training.tuning.stub import Stub
from training.tuning.watch import View


def main(place: str, trials: int, seconds: float) -> None:
    """Print each view's trials that run as a line of JSON, and the outcome's status at the end."""

    def watch(view: View) -> None:
        print(json.dumps([one.worker for one in view.running]), flush=True)

    study = new_study(place)
    crew = stub_crew(place, Stub(seconds=seconds), lease_s=2.0)
    outcome = run_study(study, crew, Limits(trials), watch)
    print(json.dumps({"status": outcome.status, "done": outcome.done}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
