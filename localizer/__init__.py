"""Indoor localization from Bluetooth Low Energy beacons: the domain and everything that runs on the edge."""

__version__ = "0.1.0"
