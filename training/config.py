"""Frozen configurations of networks and pools: TOML without hidden defaults."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import tomli_w
from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter, ValidationError

from localizer.errors import ConfigError
from training.pool.config import POOLED, PoolConfig, sha256_of_settings

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

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Every choice of one network. A file must set every key; there is no other place to look."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._+-]{0,63}$")]
    """What tables and files call it."""
    network: Literal["dnn", "cnn"]
    convention: Literal["aligned", "paper"]
    """`aligned` features, or the 2020 paper's for reproduction."""
    aggregation: Literal["mean", "median", "max"]
    image_size: Literal[0, 25, 33, 49]
    """Pixels a side; 0 takes the smallest that is fine enough for the site."""
    hidden: tuple[Positive, ...]
    """Units of the DNN's hidden layers."""
    batch_norm_after: Annotated[int, Field(ge=0)]
    """After which hidden layer of the DNN the batch normalisation stands; 0 for none."""
    filters: tuple[Positive, ...]
    """Filters of the CNN's convolutions."""
    kernels: tuple[Positive, ...]
    """Kernel side of each convolution, pixels."""
    pool: Positive
    dense: Positive
    """Units of the CNN's dense layer."""
    dropout: Share
    """Share of units dropped before the output while training."""
    output: Literal["linear", "relu"]
    """`relu` as published: a coordinate that starts negative for every row never learns."""
    target: Literal["box", "paper"]
    """`box`: the floor's bounds to -1..1; `paper`: cells in the published code's turned frame."""
    loss: Literal["row_rmse", "euclid"]
    """`row_rmse` as published: root of the mean squared coordinate error of a row."""
    place_balanced: bool
    """One vote a place instead of one a scan."""
    optimizer: Literal["adam", "sgd"]
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    beta1: Share
    beta2: Share
    momentum: Share
    batch_size: Positive
    epochs: Positive
    dead_output_tries: Positive
    """How often a network with a dead output is initialised anew; 1 takes the first as it is."""
    executor: Literal["loop", "fit"]
    """`loop`: epochs in one graph with the data in memory; `fit`: Keras, the reference."""
    augment: tuple[AugmentationName, ...]
    """What the training rows are augmented by, inside each training side; none by default."""

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
        # As JSON: there alone strict checking (no "2" for 2) takes a table for a dataclass.
        values = json.dumps(tomllib.loads(text), default=str)
        config = _ADAPTER.validate_json(values, strict=True)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} must be TOML, but {error}") from error
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
    if config.batch_norm_after > len(config.hidden):
        raise ConfigError(
            f"{origin}: `batch_norm_after` must be 0 or one of the {len(config.hidden)} hidden "
            f"layers, but got {config.batch_norm_after}"
        )
    if len(config.filters) != len(config.kernels):
        raise ConfigError(
            f"{origin}: `kernels` must have one side a layer of `filters`, but got "
            f"{config.kernels} for {config.filters}"
        )


def config_to_toml(config: Config) -> str:
    """Write a configuration as TOML that `config_from_toml` reads back unchanged."""
    values: dict[str, Any] = dataclasses.asdict(config)
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
