"""optuna-dashboard opens a study as the tuner writes it."""

import importlib.util
import json
import threading
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import optuna
from optuna.storages.journal import JournalFileBackend

from tests.conftest import lacking
from training.tuning.trials import RECORD, Training, TrialRecord


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served(storage: optuna.storages.BaseStorage) -> Iterator[str]:
    """The dashboard's own server on a free loopback port, and its address."""
    with warnings.catch_warnings():
        # Its HTTP library warns of a module that a later Python drops.
        warnings.simplefilter("ignore", DeprecationWarning)
        from optuna_dashboard import wsgi

        application = wsgi(storage)
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)


def test_the_dashboard_shows_the_study_and_its_records(tmp_path: Path) -> None:
    if importlib.util.find_spec("optuna_dashboard") is None:
        lacking("optuna-dashboard is not installed (extra `dashboard`)")
    journal = JournalFileBackend(str(tmp_path / "study.journal"))
    storage = optuna.storages.JournalStorage(journal)
    study = optuna.create_study(storage=storage, study_name="uci", direction="minimize")
    for number in range(3):
        trial = study.ask({"learning_rate": optuna.distributions.FloatDistribution(1e-5, 0.1)})
        training = Training(0, 0, 10, 33, 5.0 - number, 3.0, {11: 6.0, 33: 5.0 - number})
        record = TrialRecord(number, trial.params, "ok", trainings=(training,))
        trial.set_user_attr(RECORD, record.to_json())
        study.tell(trial, record.dev_m)
    with served(storage) as url:
        (summary,) = asked(f"{url}/api/studies")["study_summaries"]
        assert summary["study_name"] == "uci"
        detail = asked(f"{url}/api/studies/{summary['study_id']}?after=0")
    assert [trial["values"] for trial in detail["trials"]] == [[5.0], [4.0], [3.0]]
    attributes = detail["trials"][0]["user_attrs"]
    assert any(one["key"] == RECORD for one in attributes)
