"""heat-api: the orchestration API as a daemon of its own.

Purpose: name the program, its section of heat.conf and its pipeline. Invariant:
green before any other import. Neighbours: ``serving`` does everything.
"""

from heat.common import green

green.patch()

import sys
from collections.abc import Sequence

from heat.cmd import serving


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop; the exit status. ``argv`` are the arguments, None this process's."""
    return serving.front_end('heat-api', 'heat_api', argv)


if __name__ == '__main__':
    sys.exit(main())
