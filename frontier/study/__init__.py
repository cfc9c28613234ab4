"""This project's own paper: published claims under test, committed reports, the roofline of the L0 fit."""
