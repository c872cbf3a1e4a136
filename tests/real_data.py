"""The published data sets, for tests that check figures of theirs."""

import os
from pathlib import Path

from localizer.importers.source_files import DataFolder, DataSet
from localizer.importers.tetam_files import TETAM
from localizer.importers.uci import LABELLED_NAME, UNLABELLED_NAME, UciFiles
from localizer.importers.uji import UJI
from tests.conftest import lacking


def uci_files() -> UciFiles:
    if not os.environ.get("LOCALIZER_DATA"):
        lacking("LOCALIZER_DATA must name the folder that holds uci-ble-rssi/")
    folder = Path(os.environ["LOCALIZER_DATA"]) / "uci-ble-rssi"
    files = UciFiles(folder / LABELLED_NAME, folder / UNLABELLED_NAME, "LOCALIZER_DATA")
    if not (files.labelled.is_file() and files.unlabelled.is_file()):
        lacking(f"{folder} must hold {LABELLED_NAME} and {UNLABELLED_NAME}")
    return files


def uji_folder() -> DataFolder:
    return _folder(UJI)


def tetam_folder() -> DataFolder:
    return _folder(TETAM)


def _folder(data: DataSet) -> DataFolder:
    if not os.environ.get("LOCALIZER_DATA"):
        lacking(f"LOCALIZER_DATA must name the folder that holds {data.folder}/")
    folder = Path(os.environ["LOCALIZER_DATA"]) / data.folder
    if missing := data.missing(folder):
        lacking(f"{folder} must hold {', '.join(missing)}")
    return DataFolder(folder, "LOCALIZER_DATA")
