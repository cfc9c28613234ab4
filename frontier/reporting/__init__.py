"""Figures, tables and pages from result tables; the only users of matplotlib."""
