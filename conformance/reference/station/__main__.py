"""Run the reference station as a program: `python -m conformance.reference.station --csms-url … --identity …`."""

from conformance.reference.station.config import StationConfig
from conformance.reference.station.program import main

if __name__ == "__main__":
    main("conformance.reference.station", "2.0.1", StationConfig)
