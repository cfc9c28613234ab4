"""`python -m frontier COMMAND`: every command of the package under one name; each is imported only when it is used."""

from frontier import __version__
from frontier.commands.group import command_group

COMMANDS = {
    "run": ("frontier.commands.run", "solve what an experiment lacks, score it, draw the report"),
    "tune": ("frontier.commands.tune", "search every method's settings at equal cost, then compare"),
    "report": ("frontier.commands.report", "redraw the report of one or several results folders"),
    "check": ("frontier.commands.check", "is this run worse than a baseline?"),
    "new-problem": ("frontier.commands.new_problem", "draft a problem from a survey file of your own"),
    "data": ("frontier.commands.data", "what is in a problem, and what is wrong with it"),
    "suggest": ("frontier.commands.suggest", "which small file to take from a problem, and what it loses"),
    "fit": ("frontier.commands.fit", "calibrate one problem and write its weights"),
    "score": ("frontier.commands.score", "judge weights, ours or another tool's"),
    "errors": ("frontier.commands.errors", "how sure is an estimate from calibrated weights?"),
    "contract": ("frontier.commands.contract", "hold a method of your own to what every method promises"),
    "new-method": ("frontier.commands.new_method", "write the first file of a method of your own"),
    "methods": ("frontier.commands.methods", "every method in a line, or one of them with formula and parameters"),
    "problems": ("frontier.commands.problems", "every problem in a line, or one of them with shape and parameters"),
    "merge": ("frontier.commands.merge", "join partial runs of one plan"),
    "speed": ("frontier.commands.speed", "how many times as long every method takes as a reference"),
    "study": ("frontier.study.commands", "this project's own paper: claims, flagship, roofline, scale"),
}
main = command_group("frontier", "Compare sparse survey-calibration methods with one yardstick.", COMMANDS, __version__)

if __name__ == "__main__":
    main()
