"""Anybody's own data: microdata and tables, or a matrix and its lists, read and written."""
