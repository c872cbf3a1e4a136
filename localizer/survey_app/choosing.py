"""Which survey file a command line means, made if it is not there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from localizer.errors import ConfigError
from localizer.site import Floor, Site, load_site
from localizer.sites import BUILT_IN, built_in_site
from localizer.survey import Survey

SUFFIX: Final = ".survey"

_NEW_FLOOR_M: Final = ((0.0, 0.0), (20.0, 0.0), (20.0, 12.0), (0.0, 12.0))
"""Outline of a floor of which nothing is known yet, metres; the surveyor draws over it."""


class ChosenSurvey(NamedTuple):
    """A survey file to work on."""

    path: Path
    is_new: bool
    """Whether it was made just now: nothing is in it that anybody could lose."""


def choose_survey(site: str, file: Path | None = None) -> ChosenSurvey:
    """Return the survey file to work on, after making it if it is not there.

    Args:
        site: a site file (``.toml``), a survey file, a built-in site, or the name of a new one.
        file: the survey file; None for `site` itself, or for its name in the working folder.

    Raises:
        SiteError: the site file does not hold a site.
        SurveyError: a file that is there is no survey, or one cannot be made.
        ConfigError: two survey files are given, the name can be no file's, or its folder is not
            there.
    """
    given = Path(site)
    if given.is_file() and given.suffix != ".toml":
        if file is not None and file.resolve() != given.resolve():
            raise ConfigError(
                f"one survey file must be given, but got {given} and {file}; leave one out"
            )
        return _checked(given)
    chosen = file or Path(f"{_slug(given.stem if given.is_file() else site)}{SUFFIX}")
    if chosen.exists():
        return _checked(chosen)
    if not chosen.parent.is_dir():
        raise ConfigError(
            f"a survey file must be in a folder that is there, but got {chosen}; make "
            f"{chosen.parent} first"
        )
    Survey.create(chosen, _site(site)).close()
    return ChosenSurvey(chosen, is_new=True)


def _checked(path: Path) -> ChosenSurvey:
    Survey.open(path).close()
    return ChosenSurvey(path, is_new=False)


def _site(text: str) -> Site:
    path = Path(text)
    if path.is_file():
        return load_site(path)
    if text in BUILT_IN:
        return built_in_site(text)
    if path.suffix or path.parent != Path():
        raise ConfigError(
            f"a site must be a file, one of {', '.join(BUILT_IN)}, or a new name, but there is no "
            f"file at {text}; check the path"
        )
    floor = Floor("0", "Ground floor", _NEW_FLOOR_M)
    return Site(_slug(text), text, (floor,), (), "drawn in the survey app")


def _slug(name: str) -> str:
    slug = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:64]
    if not slug:
        raise ConfigError(
            f"a site's name must have letters or digits of ASCII, but got {name!r}; add some"
        )
    return slug
