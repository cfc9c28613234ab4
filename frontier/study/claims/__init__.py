"""Published claims under test, each judged from results: `registry.py` lists them, `model.py` says what one is."""
