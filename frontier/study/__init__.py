"""This project's own paper: published claims under test, committed reports, the floor of the L0 fit."""
