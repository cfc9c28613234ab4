"""The page's HTML, CSS and JavaScript."""
