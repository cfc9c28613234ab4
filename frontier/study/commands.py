"""`python -m frontier study COMMAND`: what this project's own paper is made with."""

from frontier.commands.group import command_group

COMMANDS = {
    "arena": ("frontier.study.arena", "who wins on samples of a known population"),
    "blocks": ("frontier.study.scale.blocks", "Newton steps by blocks against conjugate gradients on files of areas"),
    "claims": ("frontier.study.claims.command", "judge the published claims from results"),
    "flagship": ("frontier.study.flagship", "every committed report again, from compact results"),
    "households": ("frontier.study.households", "would another draw of the survey decide otherwise"),
    "mlp": ("frontier.study.mlp", "which weights of a network to keep, by gates or by size"),
    "overhead": ("frontier.study.scale.overhead", "what processes and a Dask cluster cost per gigabyte of problem"),
    "readme": ("frontier.study.readme", "the README's tables again, from the same results"),
    "roofline": ("frontier.study.roofline", "how far Hard Concrete batches are from the least that must be done"),
    "scale": ("frontier.study.scale.command", "how time and memory grow with the size of the problem"),
}
main = command_group("frontier study", "This project's own paper.", COMMANDS)
