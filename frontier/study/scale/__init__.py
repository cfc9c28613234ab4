"""How time and memory grow with the size of the problem: costs and exponents, the report, its command."""
