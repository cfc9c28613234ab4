"""Algorithms on plain arrays. They know no method, no file and no metric."""
