"""Adapters to radios and firmware; each turns what a device reports into advertisements.

`ble` is this machine's Bluetooth, `mqtt` the scanners that hang in a building already, `serial` a
microcontroller. Replay and simulation need no adapter: they live in `localizer`.
"""
