"""The model card: what a bundle is, in words, for whoever installs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localizer.manifest import Metrics
from localizer.site import Site
from training.methods import Fitted

if TYPE_CHECKING:
    from training.export import Origin


def model_card(
    bundle_id: str, fitted: Fitted, site: Site, origin: Origin, export_error_m: float
) -> str:
    """Return the model card of a bundle as Markdown (after Mitchell et al. 2019).

    Args:
        bundle_id: what fixes will name.
        fitted: the method.
        site: where it works.
        origin: metrics and provenance.
        export_error_m: how far the TFLite file is from TensorFlow, metres.
    """
    kind = "a simple method" if origin.is_baseline else "a trained network"
    if origin.forced is not None:
        kind += f", exported by force although `{origin.forced.best}` is better"
    elif origin.is_baseline:
        kind += ": no network was better on this survey"
    provenance = origin.provenance
    lines = [
        f"# {bundle_id}",
        "",
        f"Locates a receiver in **{site.name}** from {len(fitted.spec.beacons)} beacons. "
        f"The method is `{fitted.method}`, {kind}.",
        "",
        f"- Settings: {_settings(fitted)}",
        f"- Trained on {provenance.rows} scans of {len(provenance.sessions)} development sessions "
        f"of survey `{provenance.survey}` (sha256 {provenance.data_sha256[:12]}…).",
        f"- Code: {provenance.git_commit}{' with local changes' if provenance.git_dirty else ''}; "
        + ", ".join(f"{name} {version}" for name, version in provenance.versions.items()),
        f"- The TFLite file agrees with TensorFlow within {export_error_m * 1000:.3f} mm.",
        *(f"- {note}" for note in origin.notes),
        "",
        "## Accuracy",
        "",
        "Cross-validated errors of the recipe in metres, single scans. Honest splits read "
        "development sessions only. "
        "The interval is of the mean, bootstrapped by place (95 %).",
        "",
        "| split | n | mean | interval | median | p75 | p95 | best simple method |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(metrics) for metrics in origin.metrics),
        "",
        "## Sealed sessions",
        "",
        *_readings(origin),
        "",
        "## Limits",
        "",
        "It knows the beacons and the floor above and nothing else: a beacon that moves or a "
        "receiver of another kind changes its error, and scans from outside the survey get a "
        "position that means nothing. It gives no measure of its own uncertainty.",
        "",
        f"Site: {site.source}",
        "",
    ]
    return "\n".join(lines)


def _readings(origin: Origin) -> list[str]:
    if not origin.readings:
        return ["Never read: no figure above is of sessions that were set aside."]
    times = "once" if len(origin.readings) == 1 else f"{len(origin.readings)} times"
    return [
        f"Read {times}; a figure is worth less with every reading that something was chosen by.",
        "",
        *(f"- {reading}" for reading in origin.readings),
    ]


def _settings(fitted: Fitted) -> str:
    return ", ".join(f"{name} {value}" for name, value in fitted.settings.items()) or "none"


def _row(m: Metrics) -> str:
    split = m.split if m.honest else f"{m.split} (flattering or contaminated)"
    return (
        f"| {split} | {m.n} | {m.mean_m:.2f} | {m.ci_low_m:.2f} to {m.ci_high_m:.2f} "
        f"| {m.median_m:.2f} | {m.p75_m:.2f} | {m.p95_m:.2f} "
        f"| {m.baseline} {m.baseline_mean_m:.2f} |"
    )
