"""Surveys in the formats of others, and out of them again.

=========  ==============================================================  ===================
format     what it is                                                      what it holds
=========  ==============================================================  ===================
jsonl      JSON Lines, `localizer.survey_jsonl`                            everything
uci        the layout of the UCI BLE RSSI survey, `uci_layout`             scans, by cells
comford    COMFORD's three tables, `comford`                               scans with a place
csv        one row a fingerprint, for a spreadsheet, `spreadsheet`         scans
beacons    the site's beacons, `places`                                    where they hang
points     reference points, `places`                                      where they are
site       the site's TOML file                                            the building
=========  ==============================================================  ===================
"""

from localizer.interchange.exporting import Exported, export_survey
from localizer.interchange.formats import EXPORTS, IMPORTS, export_format, import_format
from localizer.interchange.importing import Imported, import_into, import_survey
from localizer.interchange.scanned import Loss, Reading

__all__ = [
    "EXPORTS",
    "IMPORTS",
    "Exported",
    "Imported",
    "Loss",
    "Reading",
    "export_format",
    "export_survey",
    "import_format",
    "import_into",
    "import_survey",
]
