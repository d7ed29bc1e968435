"""Run the 1.6 reference station as a program: `python -m conformance.reference.station16 --csms-url … --identity …`."""

from conformance.reference.station.program import main
from conformance.reference.station16.config import StationConfig16

if __name__ == "__main__":
    main("conformance.reference.station16", "1.6", StationConfig16)
