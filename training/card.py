"""The model card: what a bundle is, in words, for whoever installs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from localizer.manifest import Metrics
from localizer.site import Site
from training.methods import Fitted

if TYPE_CHECKING:
    from training.convert import Difference
    from training.export import Origin


def model_card(bundle_id: str, fitted: Fitted, site: Site, origin: Origin, away: Difference) -> str:
    """Return the model card of a bundle as Markdown (after Mitchell et al. 2019).

    Args:
        bundle_id: what fixes will name.
        fitted: the method.
        site: where it works.
        origin: metrics and provenance.
        away: how far the TFLite file is from TensorFlow.
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
        f"- The TFLite file agrees with TensorFlow within {_agreement(fitted, away)}.",
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
        *_spreads(fitted, origin.metrics),
        "",
        "## Sealed sessions",
        "",
        *_readings(origin),
        "",
        "## Limits",
        "",
        "It knows the beacons and the floor above and nothing else: a beacon that moves or a "
        "receiver of another kind changes its error, and scans from outside the survey get a "
        f"position that means nothing. {_uncertainty(fitted)}",
        "",
        f"Site: {site.source}",
        "",
    ]
    return "\n".join(lines)


def _agreement(fitted: Fitted, away: Difference) -> str:
    positions = f"{away.position_m * 1000:.3f} mm"
    if fitted.grid_m is None:
        return positions
    return f"{positions}, and within {away.probability:.1e} in the probability of a cell"


def _uncertainty(fitted: Fitted) -> str:
    if fitted.grid_m is None:
        return "It gives no measure of its own uncertainty."
    return "Its radii are as good as the coverage says, on splits that are like its use."


def _spreads(fitted: Fitted, metrics: Sequence[Metrics]) -> list[str]:
    if fitted.grid_m is None:
        return []
    about = [
        "",
        "## Uncertainty",
        "",
        f"It gives the probability of {len(fitted.grid_m)} cells of the floor, and from them the "
        "radii of the discs about a position that hold 68 and 95 %.",
    ]
    known = [(one.split, one.spread) for one in metrics if one.spread is not None]
    if not known:
        return [*about, "", "Nobody has measured how often the truth lies in them."]
    return [
        *about,
        "How often the truth lay in them in cross-validation, and their mean radii in metres:",
        "",
        "| split | in the 68 % disc | radius | in the 95 % disc | radius | NLL | energy score |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {split} | {s.coverage_68:.0%} | {s.r68_m:.2f} | {s.coverage_95:.0%} "
            f"| {s.r95_m:.2f} | {s.nll:.2f} | {s.energy_score_m:.2f} |"
            for split, s in known
        ),
    ]


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
