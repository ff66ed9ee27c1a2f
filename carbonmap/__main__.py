"""Start the command line: `python -m carbonmap` and the installed `carbonmap` come through here."""

import os
import sys
import warnings

from carbonmap.shadowing import ShadowedPackage, leave_working_folder, refuse_shadowed


def main() -> None:
    """Check that our packages are ours, then hand over to the command line; exit code 2 if they are not."""
    try:
        refuse_shadowed()
    except ShadowedPackage as problem:
        sys.stderr.write(f"carbonmap: {problem}\n")
        raise SystemExit(2) from None
    if not sys.warnoptions and not os.environ.get("CARBONMAP_DEBUG"):
        warnings.simplefilter("ignore")  # those of libraries name lines of code, which no user can act on
    from carbonmap.cli import main as command_line  # only now: this imports the rooms

    command_line()


if __name__ == "__main__":
    leave_working_folder()
    main()
