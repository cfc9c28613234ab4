"""The Current Population Survey problems: real records, published totals."""
