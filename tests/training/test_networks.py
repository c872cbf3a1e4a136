import numpy as np
import pytest

from localizer.errors import ConfigError
from localizer.sites import built_in_site
from tests.training.simulated import quick
from training.config import load_network
from training.networks import build_network, dead_outputs
from training.specs import network_spec

UCI = built_in_site("uci")
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("preset", "parameters"), [("paper-dnn", 6102), ("paper-cnn", 5438)])
def test_the_papers_networks_have_its_parameters(preset: str, parameters: int) -> None:
    config = load_network(preset)
    spec, _ = network_spec(config, UCI, "1")
    assert build_network(config, spec.shapes(), seed=0).count_params() == parameters


@pytest.mark.parametrize(
    ("preset", "shapes"),
    [
        ("dnn", {"vector": (2,)}),
        ("dnn", {"vector": (80,)}),
        ("cnn", {"image": (25, 25, 4)}),
        ("cnn", {"image": (49, 49, 4)}),
        ("cnn", {"image": (33, 33, 4), "vector": (6,)}),
    ],
)
def test_any_number_of_beacons_and_any_grid(
    preset: str, shapes: dict[str, tuple[int, ...]]
) -> None:
    model = build_network(load_network(preset), shapes, seed=0)
    rows = {name: RNG.random((7, *shape)).astype(np.float32) for name, shape in shapes.items()}
    output = np.asarray(model(rows))
    assert output.shape == (7, 2)
    assert np.isfinite(output).all()
    assert len(np.unique(output[:, 0])) > 1, "the output must depend on the input"


def test_a_network_that_does_not_fit_its_image_is_refused_with_what_is_left() -> None:
    deep = quick("cnn", filters=(4, 4, 4), kernels=(7, 7, 7), pools=(2, 2, 2))
    with pytest.raises(ConfigError, match="1x1 pixels are left"):
        build_network(deep, {"image": (25, 25, 4)}, seed=0)


def test_every_block_is_built_as_said() -> None:
    config = quick(
        "cnn",
        filters=(4, 6),
        kernels=(3, 5),
        pools=(1, 3),
        hidden=(8, 5),
        activations=("elu", "gelu", "tanh", "sigmoid"),
        batch_norm_after=(2, 3),
        dropout=(0.0, 0.1, 0.0, 0.3),
        l2=0.01,
    )
    model = build_network(config, {"image": (25, 25, 1)}, seed=0)
    assert [layer.name for layer in model.layers] == [
        "image",
        "convolution_1",
        "convolution_2",
        "norm_2",
        "pool_2",
        "dropout_2",
        "flat",
        "dense",
        "norm_3",
        "dense_2",
        "dropout_4",
        "scaled_position",
    ]
    names = ("convolution_1", "convolution_2", "dense", "dense_2")
    shown = [model.get_layer(name).activation.__name__ for name in names]
    assert shown == ["elu", "gelu", "tanh", "sigmoid"]
    assert model.get_layer("convolution_2").output.shape == (None, 19, 19, 6)
    kernels = [layer.kernel for layer in model.layers if hasattr(layer, "kernel")]
    penalty = sum(0.01 * float((np.asarray(kernel) ** 2).sum()) for kernel in kernels)
    assert float(sum(model.losses)) == pytest.approx(penalty, rel=1e-5)


def test_the_seed_decides_the_initial_weights() -> None:
    config, shapes = load_network("dnn"), {"vector": (6,)}
    first, again, other = (
        build_network(config, shapes, seed=seed).get_weights()[0] for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_a_relu_output_that_is_0_for_every_row_is_dead_and_a_linear_one_never_is() -> None:
    shapes = {"vector": (4,)}
    rows = {"vector": RNG.random((50, 4)).astype(np.float32)}
    relu = build_network(quick("dnn", output="relu"), shapes, seed=0)
    weights = relu.layers[-1].get_weights()
    relu.layers[-1].set_weights([weights[0], np.asarray([5.0, -1e6], np.float32)])
    assert dead_outputs(relu, rows) == (1,)
    relu.layers[-1].set_weights([weights[0], np.asarray([50.0, 50.0], np.float32)])
    assert dead_outputs(relu, rows) == ()
    linear = build_network(quick("dnn"), shapes, seed=0)
    linear.layers[-1].set_weights([weights[0], np.asarray([-1e6, -1e6], np.float32)])
    assert dead_outputs(linear, rows) == ()
