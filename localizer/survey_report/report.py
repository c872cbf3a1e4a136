"""The report on a survey: one page in plain words that opens anywhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Final

from localizer import __version__
from localizer.atomic import atomic_write
from localizer.errors import SurveyError
from localizer.survey import refuse_survey
from localizer.survey_report.advice import advise
from localizer.survey_report.advice_words import count_words
from localizer.survey_report.beacon_lines import beacon_lines, short_names
from localizer.survey_report.gathered import Gathered, gather
from localizer.survey_report.html import definitions, page
from localizer.survey_report.sections import (
    section_advice,
    section_beacons,
    section_contradictions,
    section_coverage,
    section_noise,
    section_sessions,
)
from localizer.surveying.enough import SCANS_PER_POINT

WORDS: Final = {
    "point": "a place to be surveyed; of imported scans, a place where some were taken",
    "done": f"a point with {SCANS_PER_POINT} scans or more; each is 3 seconds of listening",
    "visit": "one recording at a point, or imported scans that were taken there in a row",
    "agree, contradict": "whether two visits of one point heard the beacons alike, but for a "
    "constant difference of the device",
    "packet": "one advertisement heard; of imported scans, one RSSI",
    "session": "one uninterrupted campaign of the survey; sealed ones are kept for the last "
    "evaluation, and counted here",
}


def utc_now() -> datetime:
    """Return the present moment, UTC."""
    return datetime.now(UTC)


def write_survey_report(
    survey: Path, out: Path, *, utc_now: Callable[[], datetime] = utc_now
) -> None:
    """Write the report on a survey file as one HTML page; an existing page is replaced.

    Args:
        survey: the survey file; it is only read.
        out: the page.
        utc_now: when it is made.

    Raises:
        SurveyError: the survey cannot be read, or the page cannot be written, or is a survey.
    """
    refuse_survey(out)
    text = survey_report(gather(survey), made_utc=utc_now())
    try:
        with atomic_write(out) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SurveyError(f"a report must be writable at {out}, but {error}", path=out) from error


def survey_report(gathered: Gathered, *, made_utc: datetime) -> str:
    """Return the page; it needs nothing from outside and runs no script.

    Args:
        gathered: what is known of the survey.
        made_utc: when it is made.
    """
    lines = beacon_lines(gathered)
    names = short_names([line.beacon for line in lines])
    title = f"Survey of {gathered.site.name}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="quiet">{escape(gathered.name)}, as of {made_utc:%Y-%m-%d %H:%M} UTC</p>',
        _in_short(gathered, sum(line.state == "heard" for line in lines)),
        "<h2>What to survey again</h2>",
        section_advice(advise(gathered, lines)),
        *section_coverage(gathered),
        section_beacons(gathered, lines, names),
        section_contradictions(gathered, names[1]),
        section_noise(gathered, names[1]),
        section_sessions(gathered),
        "<h2>What the words mean</h2>" + definitions(WORDS.items()),
        f'<p class="quiet">Made by localizer {escape(__version__)}.</p>',
    ]
    return page(title, body)


def _in_short(gathered: Gathered, heard: int) -> str:
    progress = gathered.progress
    visits = [visit for _, visit in gathered.visits()]
    seconds = sum(visit.recording.duration_s or 0.0 for visit in visits)
    left = progress.minutes_left
    numbers = [
        (f"{progress.done} of {len(progress.points)}", "points done"),
        (str(len(progress.contradicting)), "points contradict"),
        (f"{heard} of {len(gathered.site.beacons)}", "beacons of the site heard"),
        (f"{sum(visit.scans for visit in visits):,}", "scans"),
        (f"{sum(visit.adverts for visit in visits):,}", "packets"),
        (f"{seconds / 60:.0f} min", "recorded"),
        *([(f"{left:.0f} min", "left at this pace")] if left else []),
    ]
    shown = "".join(f"<div><strong>{n}</strong>{escape(what)}</div>" for n, what in numbers)
    kinds = [visit.recording.kind for visit in gathered.coverage.elsewhere]
    also = [
        count_words(kinds.count(kind), words)
        for kind, words in (("walk", "walk"), ("unlabelled", "unlabelled recording"))
        if kind in kinds
    ]
    beside = f'<p class="quiet">Beside the points: {", ".join(also)}.</p>' if also else ""
    return f'<div class="numbers">{shown}</div>{beside}'
