import pytest

from localizer.errors import ConfigError
from tests.training.simulated import quick
from training.augmentation import AUGMENTATIONS
from training.config import config_from_toml, config_to_toml, load_network
from training.variants import (
    COMBINATIONS,
    MORE_EPOCHS,
    network_and_variant,
    variant_names,
    variants,
)


def test_all_is_the_control_each_alone_and_combinations() -> None:
    assert variant_names("all", unlabelled=True) == [MORE_EPOCHS, *AUGMENTATIONS, *COMBINATIONS]


def test_all_leaves_out_what_needs_unlabelled_scans_where_there_are_none() -> None:
    names = variant_names("all", unlabelled=False)
    assert names == [
        MORE_EPOCHS,
        "naive",
        "noise",
        "dropout",
        "device",
        "interpolation",
        "noise+dropout+device",
    ]


def test_names_are_taken_as_given() -> None:
    assert variant_names("noise, noise+device", unlabelled=True) == ["noise", "noise+device"]


@pytest.mark.parametrize("text", ["mixup", "noise+mixup", "", "epochs-x2+noise"])
def test_unknown_names_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--augment must be `all`"):
        variant_names(text, unlabelled=True)


def test_a_variant_that_stands_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="must name each variant once"):
        variant_names("noise,noise", unlabelled=True)


def test_variants_differ_from_none_in_what_they_say() -> None:
    config = quick("dnn")
    none, more, both = variants(config, [MORE_EPOCHS, "noise+device"])
    assert none is config
    assert (more.augment, more.epochs) == ((), 2 * config.epochs)
    assert (both.augment, both.epochs) == (("noise", "device"), config.epochs)
    assert [network_and_variant(one) for one in (none, both)] == [
        ("dnn", ""),
        ("dnn", "noise+device"),
    ]


def test_a_variant_reads_back_from_the_toml_that_a_run_writes() -> None:
    for variant in variants(load_network("dnn"), variant_names("all", unlabelled=True)):
        assert config_from_toml(config_to_toml(variant), origin="a run") == variant


def test_networks_that_augment_or_have_a_plus_in_their_name_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"`augment` of 'dnn' must be empty"):
        variants(quick("dnn", augment=("noise",)), ["device"])
    with pytest.raises(ConfigError, match="must have no \\+"):
        variants(quick("dnn", name="a+b"), ["device"])
