"""What records are beside their entries in the estimate matrix: categories and amounts, and statistics of them."""
