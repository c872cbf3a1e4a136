"""What is exported, read back by TensorBoard's own reader and its HParams backend."""

import importlib.util
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from localizer.errors import ConfigError
from tests.conftest import lacking
from training.tuning.tensorboard import METRICS, export_tensorboard
from training.tuning.tensorboard_events import NOT_ACTIVE, Domain
from training.tuning.trials import Training, TrialRecord

NOW = 1_700_000_000.0


def trained(number: int, optimizer: str) -> TrialRecord:
    params: dict[str, Any] = {"learning_rate": 0.001 * (number + 1), "optimizer": optimizer}
    params |= {"batch_norm": number % 2 == 0, "batch_size": 32}
    if optimizer == "sgd":
        params |= {"momentum": 0.9, "schedule": "cosine"}
    trainings = tuple(
        Training(fold, 0, 50, 33, 5.0 + fold, 3.0, {11: 7.0 + fold, 33: 5.0 + fold})
        for fold in range(3)
    )
    return TrialRecord(number, params, "ok", trainings=trainings, weights=6102, seconds=1.5)


RECORDS = [
    trained(0, "adam"),
    trained(1, "sgd"),
    trained(2, "adam"),
    TrialRecord(3, {"learning_rate": 0.1}, "infeasible", "a kernel of 7 on 4 pixels"),
    TrialRecord(4, {"learning_rate": 0.2}, "crashed", "out of memory", seconds=0.1),
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("tensorboard") is None:
        lacking("tensorboard is not installed (extra `tensorboard`)")
    folder: Path = tmp_path_factory.mktemp("export")
    assert export_tensorboard(RECORDS, folder, clock=lambda: NOW) == len(RECORDS)
    return folder


def test_every_trial_is_a_run_with_every_metric_that_it_has(exported: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    for record in RECORDS:
        run = EventAccumulator(str(exported / f"trial-{record.number:05d}"))
        run.Reload()
        tags = {tag for tag in run.Tags()["tensors"] if tag in {m.tag for m in METRICS}}
        values = {metric.tag: metric.value(record) for metric in METRICS}
        assert tags == {tag for tag, value in values.items() if math.isfinite(value)}
        assert "seconds" in tags
        for tag in tags:
            (event,) = run.Tensors(tag)
            assert event.step == record.epochs
            assert float(tensor_util.make_ndarray(event.tensor_proto)) == pytest.approx(values[tag])


def test_rungs_are_a_curve(exported: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = EventAccumulator(str(exported / "trial-00001"))
    run.Reload()
    assert [event.step for event in run.Tensors("rung_dev_m")] == [11, 33]


def sessions(folder: Path) -> tuple[Any, Any]:
    """What TensorBoard's HParams backend makes of a folder: its experiment and session groups."""
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.context import RequestContext
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

    runs = EventMultiplexer()
    runs.AddRunsFromDirectory(str(folder))
    runs.Reload()
    context = TBContext(data_provider=MultiplexerDataProvider(runs, str(folder)))
    backend, request = backend_context.Context(context), RequestContext()
    metadata = backend.hparams_metadata(request, "")
    data = backend.experiment_from_metadata(
        request, "", include_metrics=True, hparams_run_to_tag_to_content=metadata,
        data_provider_hparams=[],
    )  # fmt: skip
    columns = [
        api_pb2.ColParams(metric=info.name, order=api_pb2.ORDER_UNSPECIFIED)
        for info in data.metric_infos
    ]
    wanted = api_pb2.ListSessionGroupsRequest(
        allowed_statuses=[
            api_pb2.STATUS_SUCCESS,
            api_pb2.STATUS_FAILURE,
            api_pb2.STATUS_UNKNOWN,
        ],
        col_params=columns,
        slice_size=100,
        aggregation_type=api_pb2.AGGREGATION_AVG,
    )
    handler = list_session_groups.Handler(request, backend, "", wanted)
    return data, handler.run()


def test_the_tab_has_as_many_sessions_as_trials_and_numeric_columns(exported: Path) -> None:
    from tensorboard.plugins.hparams import api_pb2

    experiment, answer = sessions(exported)
    assert len(answer.session_groups) == len(RECORDS)
    kinds = {info.name: info.type for info in experiment.hparam_infos}
    assert kinds == {
        "learning_rate": api_pb2.DATA_TYPE_FLOAT64,
        "batch_size": api_pb2.DATA_TYPE_FLOAT64,
        "momentum": api_pb2.DATA_TYPE_FLOAT64,
        "batch_norm": api_pb2.DATA_TYPE_BOOL,
        "optimizer": api_pb2.DATA_TYPE_STRING,
        "schedule": api_pb2.DATA_TYPE_STRING,
    }
    assert {info.name.tag for info in experiment.metric_infos} >= {m.tag for m in METRICS}
    by_name = {group.name: group for group in answer.session_groups}
    adam, failed = by_name["trial 0"], by_name["trial 4"]
    assert adam.hparams["schedule"].string_value == NOT_ACTIVE
    assert adam.hparams["learning_rate"].number_value == pytest.approx(0.001)
    assert not adam.hparams["momentum"].HasField("number_value")
    assert failed.sessions[0].status == api_pb2.STATUS_FAILURE


def test_the_space_says_how_far_its_parameters_reach(tmp_path: Path) -> None:
    if importlib.util.find_spec("tensorboard") is None:
        lacking("tensorboard is not installed (extra `tensorboard`)")
    domains: dict[str, Domain] = {
        "learning_rate": (1e-5, 1e-1),
        "optimizer": ("adam", "nadam", "sgd"),
    }
    export_tensorboard(RECORDS[:2], tmp_path, domains=domains, clock=lambda: NOW)
    experiment, _ = sessions(tmp_path)
    rate = next(info for info in experiment.hparam_infos if info.name == "learning_rate")
    assert rate.domain_interval.max_value == pytest.approx(0.1)


def test_a_second_export_takes_the_place_of_the_first(exported: Path) -> None:
    export_tensorboard(RECORDS, exported, clock=lambda: NOW)
    assert len(list(exported.rglob("events.*"))) == len(RECORDS) + 1


def test_without_the_package_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.plugins.hparams", None)
    with pytest.raises(ConfigError, match=r"ble-localizer\[tensorboard\]"):
        export_tensorboard(RECORDS, tmp_path, clock=lambda: NOW)
