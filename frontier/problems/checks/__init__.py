"""What can be wrong among the targets of a problem: sums that do not add up, sets that no weights meet."""
