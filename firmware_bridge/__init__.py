"""Adapters to radios and firmware; each turns what a device reports into advertisements.

The adapters (Bluetooth, MQTT, serial) arrive with later work. Replay and simulation need none:
they live in `localizer`.
"""
