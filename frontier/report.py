"""`python -m frontier.report`: see `frontier/commands/report.py`."""

from frontier.commands.report import main

if __name__ == "__main__":
    main()
