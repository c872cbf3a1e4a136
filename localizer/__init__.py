"""Indoor localization from Bluetooth Low Energy beacons: the domain and what runs on the edge."""

__version__ = "0.1.0"
