"""`localizer bundle inspect|verify|update`: what a bundle is, in an installer's words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from localizer.bundle import Bundle, load_bundle
from localizer.errors import BundleError
from localizer.manifest import Forced

bundle_app = typer.Typer(help="Look into bundles and check them.", no_args_is_help=True)

FAILED: Final = 1
"""Exit status of `verify` for a bundle that does not match itself."""

CHECKS: Final = (
    ("files", "every part is there and readable"),
    ("manifest", "the manifest is of a schema that this version reads"),
    ("checksums", "every part is what was exported"),
    ("features", "the feature specification holds together"),
    ("site", "the site is the one that was trained on"),
    ("beacons", "manifest, features and site name the same beacons"),
    ("model", "the model runs and has the manifest's tensors"),
    ("shapes", "the model takes what the features give"),
    ("golden", "the model computes the exported positions within 1 mm"),
    ("hash", "no other field of the manifest was changed"),
)
"""What `load_bundle` checks, in its order."""

_PATH = Annotated[Path, typer.Argument(help="Folder or zip of a bundle.", show_default=False)]
_JSON = Annotated[bool, typer.Option("--json", help="For machines: one JSON object.")]


@bundle_app.command("inspect")
def inspect(path: _PATH, as_json: _JSON = False) -> None:
    """Say what a bundle is: method, site, beacons, accuracy and where it comes from."""
    bundle = load_bundle(path)
    if as_json:
        print(json.dumps(bundle.manifest.model_dump(mode="json")))
        return
    console = Console()
    console.print(_summary(bundle))
    console.print(_metrics(bundle))
    console.print(Text(bundle.manifest.metrics_note, style="dim"))
    console.print(_files(bundle))


@bundle_app.command("verify")
def verify(path: _PATH, as_json: _JSON = False) -> None:
    """Check a bundle as the service does when it starts, and say what is wrong."""
    error = _first_error(path)
    results = check_results(error)
    if as_json:
        print(json.dumps(_verdict(path, results, error), default=str))
    else:
        _print_results(path, results, error)
    if error is not None:
        raise typer.Exit(FAILED)


@bundle_app.command("update")
def update(
    path: Annotated[Path, typer.Argument(help="Folder of a bundle.", show_default=False)],
    survey: Annotated[Path, typer.Argument(help="The survey file that it was trained on.")],
) -> None:
    """Tell a bundle of beacons that were replaced since, and of check walks with it."""
    from localizer.bundle_update import update_bundle

    done = update_bundle(path, survey)
    for heard, counts_as in done.aliases.items():
        print(f"{heard} counts as {counts_as}")
    print(f"{len(done.aliases)} replaced beacons and {len(done.checks)} check walks in {path}")


def _first_error(path: Path) -> BundleError | None:
    try:
        load_bundle(path)
    except BundleError as error:
        return error
    return None


def check_results(error: BundleError | None) -> dict[str, str]:
    """Return `ok`, `failed` or `not reached` for each of `CHECKS`, in their order."""
    names = [name for name, _ in CHECKS]
    if error is None:
        return dict.fromkeys(names, "ok")
    at = names.index(failed_check(error))
    return {
        name: "ok" if i < at else "failed" if i == at else "not reached"
        for i, name in enumerate(names)
    }


def failed_check(error: BundleError) -> str:
    """Return which of `CHECKS` an error of `load_bundle` belongs to."""
    field = error.field
    unread = ("a readable file", "a member of the zip")
    if field == "path" or error.expected in unread or "bytes" in str(error.expected):
        return "files"
    for name, starts in _FIELDS.items():
        if field.startswith(starts):
            return name
    return "manifest"


_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "checksums": ("files",),
    "features": ("features",),
    "site": ("site",),
    "beacons": ("beacons", "aliases"),
    "shapes": ("inputs.shape",),
    "model": ("model.tflite", "inputs", "outputs"),
    "golden": ("golden.json",),
    "hash": ("manifest_sha256",),
}
"""How the fields of each check's errors begin, the longer beginning first."""


def _verdict(path: Path, results: dict[str, str], error: BundleError | None) -> dict[str, Any]:
    verdict: dict[str, Any] = {"path": str(path), "ok": error is None, "checks": results}
    if error is not None:
        verdict |= {"field": error.field, "expected": error.expected, "got": error.got}
    return verdict


def _print_results(path: Path, results: dict[str, str], error: BundleError | None) -> None:
    console = Console()
    table = Table(title=Text(f"{path}"), title_justify="left", box=None, show_header=False)
    styles = {"ok": "green", "failed": "bold red", "not reached": "dim"}
    for name, what in CHECKS:
        table.add_row(Text(results[name], styles[results[name]]), Text(what))
    console.print(table)
    if error is None:
        console.print(Text("This bundle can be served.", style="green"))
        return
    console.print(Text(f"field     {error.field}", style="bold red"))
    console.print(Text(f"must be   {error.expected}"))
    console.print(Text(f"but is    {error.got}"))


_ERRORS: Final = "Errors in metres, with the 95 % interval of the mean"


def _summary(bundle: Bundle) -> Table:
    manifest, site, origin = bundle.manifest, bundle.site, bundle.manifest.provenance
    table = Table(title=Text(manifest.id), title_justify="left", box=None, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    method = Text(manifest.method)
    if manifest.is_baseline:
        method.append("  (a baseline: no trained network was better)", "yellow")
    if manifest.forced is not None:
        method.append(f"  ({_forced(manifest.forced)})", "yellow")
    rows = (
        ("method", method),
        ("site", f"{site.name} ({site.id}), floor {manifest.floor}"),
        ("geometry", site.source),
        ("beacons", f"{len(manifest.beacons)}, of which a scan must hear {manifest.min_beacons}"),
        ("", ", ".join(manifest.beacons)),
        ("input", _inputs(bundle)),
        ("output", _outputs(bundle)),
        ("trained on", f"{origin.rows} scans of {origin.survey}"),
        ("sessions", ", ".join(origin.sessions)),
        ("made", f"{manifest.created_utc} by Localizer {manifest.localizer_version}"),
        ("code", origin.git_commit + (" with local changes" if origin.git_dirty else "")),
        ("data sha256", origin.data_sha256),
    )
    for name, value in rows:
        table.add_row(name, value if isinstance(value, Text) else Text(value))
    return table


def _forced(forced: Forced) -> str:
    return (
        f"exported by --force: {forced.best} is {forced.worse_by_m:.2f} m better on the mean of "
        f"{' and '.join(forced.criterion)}"
    )


def _inputs(bundle: Bundle) -> str:
    return "; ".join(
        f"{tensor.feature} {'x'.join(str(side) for side in tensor.shape[1:])}: {tensor.meaning}"
        for tensor in bundle.manifest.inputs
    )


def _outputs(bundle: Bundle) -> str:
    grid = bundle.manifest.grid
    if grid is None:
        return "position, without a measure of its uncertainty"
    return (
        f"position, with r68 and r95 from the probabilities of {grid.columns}x{grid.rows} cells of "
        f"{grid.cell_m:.2f} m"
    )


def _metrics(bundle: Bundle) -> Table:
    table = Table(title=_ERRORS, title_justify="left", box=SIMPLE, pad_edge=False)
    table.add_column("split", overflow="fold")
    for name in ("n", "mean", "interval", "median", "p75", "p95"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("best simple", no_wrap=True)
    for one in bundle.manifest.metrics:
        table.add_row(
            Text(one.split if one.honest else f"{one.split} (flatters)"),
            str(one.n),
            f"{one.mean_m:.2f}",
            f"{one.ci_low_m:.2f} to {one.ci_high_m:.2f}",
            f"{one.median_m:.2f}",
            f"{one.p75_m:.2f}",
            f"{one.p95_m:.2f}",
            Text(f"{one.baseline_mean_m:.2f}\n{one.baseline}"),
        )
    return table


def _files(bundle: Bundle) -> Table:
    table = Table(title="Files, bytes, sha256", title_justify="left", box=None, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(overflow="fold")
    for name, part in bundle.manifest.files.items():
        table.add_row(Text(name), f"{part.bytes:,}", Text(part.sha256, "dim"))
    return table
