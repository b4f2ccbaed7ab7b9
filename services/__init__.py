"""The five services and the command that runs them."""

import sys

if not __debug__:
    # Whatever is started of it, by this command or otherwise: a value refuses by its asserts what cannot be.
    sys.stderr.write(
        "tekil: Python runs with -O (PYTHONOPTIMIZE), which leaves out what Tekil asserts: start it without\n"
    )
    sys.exit(2)
