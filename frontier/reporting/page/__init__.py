"""The interactive page of a report."""
