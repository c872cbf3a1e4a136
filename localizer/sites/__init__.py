"""Site files that come with the product."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from localizer.errors import SiteError
from localizer.site import Site, site_from_toml

BUILT_IN: Final = ("demo", "uci", "uji-lib", "uji-geo", "tetam")
"""`demo`: the simulated office; the others: where the published survey of that name was made."""


def built_in_site(name: str) -> Site:
    """Return a site that comes with the product.

    Raises:
        SiteError: there is none of that name.
    """
    if name not in BUILT_IN:
        raise SiteError(f"a built-in site must be one of {BUILT_IN}, but got {name!r}")
    text = (files(__name__) / f"{name}.toml").read_text(encoding="utf-8")
    return site_from_toml(text, origin=f"built-in site {name!r}")
