"""Data files of the CPS problems, read with `importlib.resources`; README.md says where they come from."""
