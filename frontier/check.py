"""`python -m frontier.check`: see `frontier/commands/check.py`."""

from frontier.commands.check import main

if __name__ == "__main__":
    main()
