"""Entry point of ``taskip-mcp`` and of ``python -m taskip_mcp``."""

import sys


def main() -> None:
    """Run the command line; the exit status is the command's."""
    from taskip_mcp.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
