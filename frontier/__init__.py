"""frontier: compares sparse survey-calibration methods with one yardstick and draws their frontier."""

__version__ = "0.1.0"
