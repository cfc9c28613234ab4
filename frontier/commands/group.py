"""Several commands under one name, each imported only when it is used: the others cost nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from frontier.commands.start import start
from frontier.core.errors import did_you_mean

Main = Callable[..., None]


def command_group(name: str, text: str, commands: Mapping[str, tuple[str, str]], version: str = "") -> Main:
    """A command whose first argument chooses one of `commands`: name → (module with a `main`, its line of help).

    Without arguments, or with `--help`, it lists them, with `--version` it says which version this is, and with
    `--completion` what bash (or zsh with bashcompinit) needs to complete them; an unknown one is one line and exit
    code 2.
    """

    def main(args: Sequence[str] | None = None, prog_name: str = name) -> None:
        chosen, *rest = (sys.argv[1:] if args is None else args) or ["--help"]
        if chosen in ("--help", "-h"):
            lines = [f"  {command:<10} {line}" for command, (_, line) in commands.items()]
            also = ['Completion: eval "$(' + name + ' --completion)"', ""] if version else []
            sys.stdout.write("\n".join([f"Usage: {prog_name} COMMAND …", "", text, "", *lines, "", *also]))
        elif chosen == "--version" and version:
            sys.stdout.write(f"{name} {version}\n")
        elif chosen == "--completion" and version:  # for the shell: eval "$(frontier --completion)"
            sys.stdout.write(f"complete -o default -W '{' '.join(commands)}' {name}\n")
        elif chosen not in commands:
            sys.stderr.write(f"error: {prog_name}: unknown command '{chosen}'; {did_you_mean(chosen, commands)}\n")
            raise SystemExit(2)
        else:
            start(commands[chosen][0], args=rest, prog_name=f"{prog_name} {chosen}")

    return main
