"""`python -m frontier.run`: see `frontier/commands/run.py`."""

from frontier.commands.run import main

if __name__ == "__main__":
    main()
