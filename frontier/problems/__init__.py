"""Calibration problems, one file each: `build(...) -> CalibrationProblem`. The file name is the problem's name."""
