"""What charging profiles come to over time, by the documents of each version, in exact arithmetic.

A `Book` holds what a compliant station holds after the requests that it accepted; `expected` merges it into the limit
of one EVSE, or of the station, over time; `reported` reads what a station says of that; `differences` compares both by
the value in force, never by lists of periods.
"""

from conformance.oracles.charging.answer import misordered, reported
from conformance.oracles.charging.book import Book, Entry
from conformance.oracles.charging.composite import expected
from conformance.oracles.charging.course import Course, Step, differences
from conformance.oracles.charging.profile import ChargingProfile, Period
from conformance.oracles.charging.site import EvseLimits, Running, Site

__all__ = [
    "Book",
    "ChargingProfile",
    "Course",
    "Entry",
    "EvseLimits",
    "Period",
    "Running",
    "Site",
    "Step",
    "differences",
    "expected",
    "misordered",
    "reported",
]
