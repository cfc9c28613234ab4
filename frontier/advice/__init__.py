"""Which small file to take: candidate methods tried on a user's own problem, and the choice among them."""
