"""Frozen configurations of networks and pools: TOML without hidden defaults."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import tomli_w
from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter, ValidationError

from localizer.errors import ConfigError
from training.pool.config import POOLED, PoolConfig, settings_of, sha256_of_settings
from training.stages import Stage, refuse_schedule

PRESETS: Final = ("pool", "dnn", "cnn", "cnn-25", "paper-dnn", "paper-cnn")
"""Configurations that come with the product, in training/presets."""

AugmentationName = Literal[
    "naive",
    "autoencoder",
    "hybrid",
    "noise",
    "dropout",
    "device",
    "interpolation",
    "pseudo-labels",
]
"""A key of `training.augmentation.AUGMENTATIONS`."""

Activation = Literal["relu", "elu", "gelu", "tanh", "sigmoid", "exponential"]
"""`exponential` has no bound: it is there for what was published, not to be chosen."""

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
AboveZero = Annotated[float, Field(gt=0, allow_inf_nan=False)]
FromZero = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Every choice of one network. A file must set every key; there is no other place to look.

    A block is a convolution with its pooling, or a dense hidden layer; blocks count from 1, the
    convolutions first.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._+-]{0,63}$")]
    """What tables and files call it."""
    network: Literal["dnn", "cnn"]
    convention: Literal["aligned", "paper"]
    """`aligned` features, or the 2020 paper's for reproduction."""
    aggregation: Literal["mean", "median", "max"]
    image_size: Literal[0, 25, 33, 49]
    """Pixels a side; 0 takes the smallest that is fine enough for the site."""
    filters: tuple[Positive, ...]
    """Filters of the CNN's convolutions; empty for the DNN."""
    kernels: tuple[Positive, ...]
    """Kernel side of each convolution, pixels."""
    pools: tuple[Annotated[int, Field(ge=1, le=3)], ...]
    """Pooling after each convolution, pixels; 1 for none."""
    hidden: tuple[Positive, ...]
    """Units of the dense hidden layers: all of the DNN's, those after the CNN's convolutions."""
    activations: Annotated[tuple[Activation, ...], Field(min_length=1)]
    """One for every block, or one a block."""
    batch_norm_after: tuple[Positive, ...]
    """Blocks whose activation is followed by batch normalisation, in order; empty for none."""
    dropout: Annotated[tuple[Share, ...], Field(min_length=1)]
    """Share of units dropped after a block while training: one for every block, or one a block."""
    l2: FromZero
    """Weight of the sum of squares of every kernel in the loss; 0 for none."""
    output: Literal["linear", "relu"]
    """`relu` as published: a coordinate that starts negative for every row never learns."""
    target: Literal["box", "paper"]
    """`box`: the floor's bounds to -1..1; `paper`: cells in the published code's turned frame."""
    loss: Literal["row_rmse", "euclid", "huber", "mse"]
    """`row_rmse` as published: root of the mean squared coordinate error of a row. `mse`: its
    square. `huber`: of the distance, quadratic up to `huber_delta` and linear beyond."""
    huber_delta: AboveZero
    """Scaled units; read by the loss `huber` alone."""
    place_balanced: bool
    """One vote a place instead of one a scan."""
    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd"]
    learning_rate: AboveZero
    beta1: Share
    """Memory of the gradient; read by `adam`, `adamw` and `nadam`, as is `beta2`."""
    beta2: Share
    """Memory of the squared gradient."""
    rho: Share
    """Memory of the squared gradient of `rmsprop`."""
    weight_decay: FromZero
    """Share of every weight taken off a step, times the learning rate; read by `adamw`."""
    momentum: Share
    """Read by `sgd`, as is `nesterov`."""
    nesterov: bool
    batch_size: Positive
    epochs: Positive
    dead_output_tries: Positive
    """How often a network with a dead output is initialised anew; 1 takes the first as it is."""
    executor: Literal["loop", "fit"]
    """`loop`: epochs in one graph with the data in memory; `fit`: Keras, the reference."""
    augment: tuple[AugmentationName, ...]
    """What the training rows are augmented by, inside each training side; none by default."""
    schedule: tuple[Stage, ...] = ()
    """Settings that are others from some epoch on, in order. The one key that a file may leave out:
    only what `tune --sampler pbt` found has any."""

    @property
    def blocks(self) -> int:
        """Convolutions and dense hidden layers."""
        return len(self.filters) + len(self.hidden)

    def of_block(self, block: int) -> tuple[Activation, bool, float]:
        """Return the activation, batch normalisation and dropout of a block, 1 for the first."""
        activation = self.activations[block - 1 if len(self.activations) > 1 else 0]
        share = self.dropout[block - 1 if len(self.dropout) > 1 else 0]
        return activation, block in self.batch_norm_after, share

    def stages(self) -> list[tuple[NetworkConfig, int]]:
        """Return the configurations that a training goes through, and the epochs of each."""
        reached = [one for one in self.schedule if one.after_epochs < self.epochs]
        first = dataclasses.replace(self, schedule=())
        each = [first, *(dataclasses.replace(first, **one.settings()) for one in reached)]
        starts = [0, *(one.after_epochs for one in reached), self.epochs]
        return [(config, starts[i + 1] - starts[i]) for i, config in enumerate(each)]

    @property
    def sha256(self) -> str:
        """Hash of every setting."""
        return sha256_of_settings(self)


Config = NetworkConfig | PoolConfig
"""What `fit` trains: a network, or a pool of methods."""

_ADAPTER: Final[TypeAdapter[Config]] = TypeAdapter(
    Annotated[
        Annotated[NetworkConfig, Tag("network")] | Annotated[PoolConfig, Tag(POOLED)],
        Discriminator(lambda values: POOLED if _kind(values) == POOLED else "network"),
    ]
)


def _kind(values: Any) -> Any:
    """Return the key that tells a pool from a network; an error then speaks of one of them."""
    return values.get("network") if isinstance(values, dict) else values.network


def config_from_toml(text: str, *, origin: str) -> Config:
    """Read a configuration.

    Args:
        text: TOML that sets every field of `Config`.
        origin: what to call it in an error.

    Raises:
        ConfigError: no TOML, or a key is missing, unknown or out of range.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} must be TOML, but {error}") from error
    return config_from_values(values, origin=origin)


def config_from_values(values: Mapping[str, Any], *, origin: str) -> Config:
    """Check the values of a configuration, as TOML gives them.

    Raises:
        ConfigError: a key is missing, unknown or out of range, or two contradict each other.
    """
    try:
        # As JSON: there alone strict checking (no "2" for 2) takes a table for a dataclass.
        config = _ADAPTER.validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(step) for step in first["loc"][1:])
        raise ConfigError(
            f"{origin}: key {key!r}: {first['msg']}, but got {first['input']!r}; "
            "training/presets shows every key"
        ) from error
    if isinstance(config, NetworkConfig):
        _refuse_contradictions(config, origin)
    return config


def _refuse_contradictions(config: NetworkConfig, origin: str) -> None:
    for key, each in (("kernels", config.kernels), ("pools", config.pools)):
        if len(config.filters) != len(each):
            raise ConfigError(
                f"{origin}: `{key}` must have one side a layer of `filters`, but got "
                f"{each} for {config.filters}"
            )
    if config.network == "dnn" and config.filters:
        raise ConfigError(
            f"{origin}: `filters` must be empty for a DNN, but got {config.filters}; "
            'use network = "cnn" for convolutions'
        )
    for key, one in (("activations", config.activations), ("dropout", config.dropout)):
        if len(one) not in (1, config.blocks):
            raise ConfigError(
                f"{origin}: `{key}` must have one value, or one for each of the {config.blocks} "
                f"blocks, but got {one}"
            )
    norms = config.batch_norm_after
    if list(norms) != sorted({block for block in norms if block <= config.blocks}):
        raise ConfigError(
            f"{origin}: `batch_norm_after` must name some of the {config.blocks} blocks, each once "
            f"and in order, but got {norms}"
        )
    refuse_schedule(config, origin)


def config_to_toml(config: Config) -> str:
    """Write a configuration as TOML that `config_from_toml` reads back unchanged."""
    values = settings_of(config)
    return tomli_w.dumps({k: list(v) if isinstance(v, tuple) else v for k, v in values.items()})


def load_config(name: str) -> Config:
    """Read a preset by name, or a TOML file by path.

    Raises:
        ConfigError: there is neither, or the file is wrong.
    """
    if name in PRESETS:
        text = (files(__package__) / "presets" / f"{name}.toml").read_text(encoding="utf-8")
        return config_from_toml(text, origin=f"preset {name!r}")
    path = Path(name)
    if not path.is_file():
        raise ConfigError(
            f"a configuration must be one of {PRESETS} or a TOML file, but got {name!r}"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"a configuration must be readable UTF-8, but {name}: {error}") from error
    return config_from_toml(text, origin=name)


def load_network(name: str) -> NetworkConfig:
    """Read a network's configuration, as `load_config` does.

    Raises:
        ConfigError: as there, or it is a pool, which has no epochs, loss or optimiser.
    """
    config = load_config(name)
    if not isinstance(config, NetworkConfig):
        raise ConfigError(
            f"this needs a network's configuration (`dnn` or `cnn`), but {name!r} is a pool"
        )
    return config
