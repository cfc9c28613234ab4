"""`python -m frontier.report`: see `frontier/commands/report.py`."""

from frontier.commands.start import start

if __name__ == "__main__":
    start("frontier.commands.report")
