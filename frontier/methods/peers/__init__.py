"""Published packages wrapped as methods, one file each, so that the harness itself measures them."""
