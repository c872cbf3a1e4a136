"""Small floors that several tests walk on."""

from localizer.site import Beacon, Floor, Site

HALL = Floor("0", "Hall", ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)))

TWO_ROOMS = Floor(
    "0",
    "Two rooms",
    HALL.outline,
    blocked=(((6.0, 4.0), (8.0, 4.0), (8.0, 6.0), (6.0, 6.0)),),
    walls=(((5.0, 0.0), (5.0, 8.5)), ((5.0, 9.5), (5.0, 10.0))),
)
"""A wall at x = 5 with a door at y = 9, and a table in the room to the right."""

CLOSED = Floor(
    "0",
    "A room without a door",
    HALL.outline,
    walls=(((7.0, 0.0), (7.0, 3.0)), ((7.0, 3.0), (10.0, 3.0))),
)


def site_of(*floors: Floor, beacons: tuple[Beacon, ...] = ()) -> Site:
    return Site("test", "Test", floors, beacons, "made for a test")
