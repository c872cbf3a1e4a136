"""The messages of TensorBoard's HParams plugin: experiment, session, scalar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final, NamedTuple

from localizer.errors import ConfigError

Domain = tuple[float, float] | tuple[str, ...] | tuple[bool, ...]
"""Least and greatest value of a number, or every label of a choice."""

NOT_ACTIVE: Final = "(not active)"
"""Label of a choice that a trial has not made. A missing number is left out instead: a label would
make text of its column, and the tab would no longer sort it."""


def is_number(domain: Domain) -> bool:
    """Return whether a parameter is a number."""
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in domain)


def is_truth(domain: Domain) -> bool:
    """Return whether a parameter is true or false."""
    return all(isinstance(one, bool) for one in domain)


class Messages(NamedTuple):
    """TensorBoard's messages. The package comes with an extra, so nothing is loaded before it."""

    api: ModuleType
    plugin: ModuleType
    hparams: ModuleType
    scalars: ModuleType
    events: ModuleType
    summaries: ModuleType
    tensors: ModuleType
    types: ModuleType
    record_writer: Callable[[Any], Any]

    def first_event(self) -> Any:
        """Return what every event file begins with."""
        return self.events.Event(file_version="brain.Event:2")

    def event(self, step: int, seconds: float, value: Any) -> Any:
        """Return one value at a step and time."""
        summary = self.summaries.Summary(value=[value])
        return self.events.Event(step=step, wall_time=seconds, summary=summary)

    def experiment(
        self, domains: Mapping[str, Domain], titles: Mapping[str, str], now: float
    ) -> Any:
        """Return the declaration of every parameter, and of every metric by its tag."""
        infos = [self._parameter(name, domain) for name, domain in domains.items()]
        metrics = [
            self.api.MetricInfo(name=self.api.MetricName(tag=tag), display_name=title)
            for tag, title in titles.items()
        ]
        experiment = self.api.Experiment(
            hparam_infos=infos, metric_infos=metrics, time_created_secs=now
        )
        return self._data(self.hparams.EXPERIMENT_TAG, experiment=experiment)

    def _parameter(self, name: str, domain: Domain) -> Any:
        info = self.api.HParamInfo(name=name)
        if is_number(domain):
            low, high = domain
            info.type = self.api.DATA_TYPE_FLOAT64
            info.domain_interval.min_value = float(low)
            info.domain_interval.max_value = float(high)
        elif is_truth(domain):
            info.type = self.api.DATA_TYPE_BOOL
            info.domain_discrete.extend(list(domain))
        else:
            info.type = self.api.DATA_TYPE_STRING
            info.domain_discrete.extend([*domain, NOT_ACTIVE])
        return info

    def start(self, values: Mapping[str, Any], group: str, seconds: float) -> Any:
        """Return the beginning of a trial, with its values."""
        info = self.plugin.SessionStartInfo(group_name=group, start_time_secs=seconds)
        for name, value in values.items():
            if isinstance(value, bool):
                info.hparams[name].bool_value = value
            elif isinstance(value, float):
                info.hparams[name].number_value = value
            else:
                info.hparams[name].string_value = value
        return self._data(self.hparams.SESSION_START_INFO_TAG, session_start_info=info)

    def end(self, succeeded: bool, seconds: float) -> Any:
        """Return the end of a trial."""
        status = self.api.STATUS_SUCCESS if succeeded else self.api.STATUS_FAILURE
        info = self.plugin.SessionEndInfo(status=status, end_time_secs=seconds)
        return self._data(self.hparams.SESSION_END_INFO_TAG, session_end_info=info)

    def scalar(self, tag: str, value: float) -> Any:
        """Return one figure, as `tf.summary.scalar` writes it."""
        metadata = self.scalars.create_summary_metadata(display_name="", description="")
        metadata.data_class = self.summaries.DATA_CLASS_SCALAR
        tensor = self.tensors.TensorProto(dtype=self.types.DT_FLOAT, float_val=[value])
        return self.summaries.Summary.Value(tag=tag, metadata=metadata, tensor=tensor)

    def _data(self, tag: str, **data: Any) -> Any:
        metadata = self.hparams.create_summary_metadata(self.plugin.HParamsPluginData(**data))
        return self.summaries.Summary.Value(
            tag=tag, metadata=metadata, tensor=self.hparams.NULL_TENSOR
        )


def load_messages() -> Messages:
    """Return the messages.

    Raises:
        ConfigError: the package tensorboard is not installed.
    """
    try:
        from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
        from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
        from tensorboard.plugins.scalar import metadata as scalar_metadata
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ImportError as error:
        raise ConfigError(
            "an export to TensorBoard needs the package tensorboard, but it is not installed; "
            "pip install 'ble-localizer[tensorboard]'"
        ) from error
    return Messages(
        api_pb2, plugin_data_pb2, metadata, scalar_metadata, event_pb2, summary_pb2, tensor_pb2,
        types_pb2, RecordWriter,
    )  # fmt: skip
