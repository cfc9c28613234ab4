"""`python -m frontier.run`: see `frontier/commands/run.py`."""

from frontier.commands.start import start

if __name__ == "__main__":
    start("frontier.commands.run")
