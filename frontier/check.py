"""`python -m frontier.check`: see `frontier/commands/check.py`."""

from frontier.commands.start import start

if __name__ == "__main__":
    start("frontier.commands.check")
