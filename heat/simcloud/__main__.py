"""``python -m heat.simcloud``: a simulated cloud as a process of its own.

Purpose: a cloud that outlives engines which are killed. Invariant: green before
any other import. Neighbours: ``server.SimCloud`` does everything.
"""

from __future__ import annotations

from heat.common import green

green.patch()

import argparse
import signal
import sys

from heat.simcloud.server import Settings, SimCloud


def main() -> int:
    parser = argparse.ArgumentParser(prog='python -m heat.simcloud', description=__doc__)
    parser.add_argument('--host', default='127.0.0.1')
    parser.add_argument('--port', type=int, default=0, help='0 picks a free one')
    parser.add_argument('--state', metavar='FILE', help='keep the cloud in this file')
    parser.add_argument('--orchestration-url', default=Settings().orchestration_url,
                        help='catalogue entry, with $(project_id)s')
    parser.add_argument('--cloudformation-url', default=Settings().cloudformation_url)
    parser.add_argument('--no-guests', action='store_true', help='servers do not run their user_data')
    options = parser.parse_args()
    cloud = SimCloud(state_file=options.state, settings=Settings(
        orchestration_url=options.orchestration_url, cloudformation_url=options.cloudformation_url,
        guests=not options.no_guests))
    url = cloud.start(options.host, options.port)
    print(url, flush=True)
    done = green.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    while not done.wait(0.2):
        continue
    cloud.stop()
    return 0


if __name__ == '__main__':
    sys.exit(main())
