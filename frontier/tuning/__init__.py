"""Settings searched at equal cost, blind to what judges them: experiment → searches → trials → tuned experiment."""
