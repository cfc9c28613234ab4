"""Calibration methods, one file each. The file name is the method's name."""
