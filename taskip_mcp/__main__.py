"""Entry point of ``taskip-mcp`` and of ``python -m taskip_mcp``."""

import gc
import sys


def main() -> None:
    """Run the command line; the exit status is the command's."""
    # What is imported stays: searching it for garbage, again and again, would take a tenth of the start.
    gc.disable()
    from taskip_mcp.cli import run

    sys.exit(run(sys.argv[1:], _loaded))


def _loaded() -> None:
    """From now on garbage is collected, but not looked for in what was loaded."""
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    main()
