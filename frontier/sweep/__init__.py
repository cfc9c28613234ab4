"""From an experiment file to stored results: experiment, plan, runner, store."""
