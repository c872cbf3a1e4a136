"""Which files the TETAM survey is imported from."""

from __future__ import annotations

from typing import Final

from localizer.importers.source_files import DataSet

STATIC_NAME: Final = "fingerprints_1s_windows.csv.gz"
RECEIVERS_NAME: Final = "raw/tetam.dev"
WALKS: Final = (
    "rectangular_with_rotation",
    "rectangular_without_rotation",
    "straight_01",
    "straight_02",
    "straight_03",
    "straight_04",
    "straight_05",
    "zigzagging_with_rotation",
    "zigzagging_without_rotation",
)
"""The nine walks of 9 February 2020; each is a sealed session."""

SHA256: Final = {
    STATIC_NAME: "6e83a5478ac3eedf00aafc077536039da291caab1e61a03f2593118557b810df",
    RECEIVERS_NAME: "0a888eb25c7059fcebd8c0c159e37537087914bc8098754317ffec029bbd9bee",
    "raw/tetam_0.5.occ": "d92000a5f430ebd64b372ad3e0524e748950fdf3e51ad4caaa85fc819cebec97",
    "raw/rectangular_with_rotation_all_sensors.mbd.gz": (
        "9a75bce01595c01330cd0abec899a83cee3841e1db538708c716bcf98a6f2bba"
    ),
    "raw/rectangular_without_rotation_all_sensors.mbd.gz": (
        "bb9c7d29d05127773e28e9d438434b3cd8ea0868609f9636b7a11d2354e9e9a7"
    ),
    "raw/straight_01_all_sensors.mbd.gz": (
        "960dc2360013a0d157ca127140ff442607a9d1d24ff22912e2838dd3573b532d"
    ),
    "raw/straight_02_all_sensors.mbd.gz": (
        "6ad111b99f8d62c0f2577345aaf7a6b34815987d97ffb3fc3588541d873f1e46"
    ),
    "raw/straight_03_all_sensors.mbd.gz": (
        "1acb38b7f7a96820dc817e3df23c397a47f1ab65f2bb3f50d073aadb8f8ee892"
    ),
    "raw/straight_04_all_sensors.mbd.gz": (
        "2014a6ef54112165ad80ff6836819b9a597ea20b0f439b59ce67015aaee154d1"
    ),
    "raw/straight_05_all_sensors.mbd.gz": (
        "f9c60d7bd5be83a1a79e7ce8aeb3ce3ae67c2dc3009eb592524d0466bb305e62"
    ),
    "raw/zigzagging_with_rotation_all_sensors.mbd.gz": (
        "09c04cf02dc079f88fadf9e1240daf2b70f0bdad3d8c9f3d34c91c1b896a9381"
    ),
    "raw/zigzagging_without_rotation_all_sensors.mbd.gz": (
        "9e879c94cfa42219113e1f365101f3b587fe49f4600545c0eba3742cf41ba9f8"
    ),
}
"""Of the files as this project holds them: the static windows are derived (mean RSSI per receiver
over whole seconds) from packets that are not among them. `tetam_0.5.occ` is in the site file."""

TETAM: Final = DataSet("TETAM", "danis-tetam", "danis-tetam", SHA256)
TETAM_CITATION: Final = (
    "Danis, Naskali, Cemgil, Ersoy, Pervasive and Mobile Computing 81, 2022; the static windows "
    "are means per receiver over whole seconds of its packets"
)
