"""Calibration by its dual: one Newton solver in m dimensions, and the distances (links) it serves."""
