"""``python -m benches``, called by tools/bench."""
from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from benches import place, report, requests, templates, workloads
from benches.user import User

USUAL = ['wide-100', 'wide-300', 'wide-1000', 'wide-10000', 'chain-300', 'trials-300', 'layers-10x20',
         'group-200', 'group-200x3', 'group-1000x22', 'scale-50x22', 'waits-100', 'many-100x5',
         'servers-1000', 'requests', 'idle', workloads.CROWD, templates.NAME]
KNOWN = [*workloads.WORKLOADS, workloads.MANY, workloads.CROWD, 'requests', 'idle', templates.NAME]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='tools/bench', description='Figures of a whole Heat.')
    parser.add_argument('workload', nargs='*', metavar='WORKLOAD', help='all the usual ones by default')
    parser.add_argument('--list', action='store_true', help='name the workloads')
    parser.add_argument('--cloud', choices=('keystone', 'sim'), default='keystone',
                        help='a real Keystone and nothing else, or the whole simulated cloud')
    parser.add_argument('--embedded', action='store_true', help='heat-all on SQLite')
    parser.add_argument('--engines', type=int, default=2, help='engine workers (2)')
    parser.add_argument('--no-updates', action='store_true', help='only create and delete')
    parser.add_argument('--json', metavar='FILE', help='write all figures there')
    options = parser.parse_args()
    unknown = [name for name in options.workload if name not in KNOWN]
    if unknown:
        parser.error(f'no workload {", ".join(unknown)}; there are {", ".join(KNOWN)}')
    return options


def main() -> int:
    options = arguments()
    if options.list:
        print('\n'.join(KNOWN))
        return 0
    os.environ['no_proxy'] = '*'
    simulated = options.embedded or options.cloud == 'sim'
    names = options.workload or USUAL
    left_out = [name for name in names
                if name in workloads.WORKLOADS and workloads.WORKLOADS[name].needs == 'sim' and not simulated]
    if templates.NAME in names:
        print(templates.measure(), flush=True)
        names = [name for name in names if name != templates.NAME]
        if not names:
            return 0
    phases: list[workloads.Phase] = []
    asked: list[requests.Asked] = []
    with place.running(options.cloud, options.embedded, options.engines) as where:
        print(f'{where.kind}; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs')
        user = User.login(where.url, where.demo)
        # The first request of each worker loads what others find loaded.
        for _ in range(8):
            user.twin().ask('GET', '/stacks')
        warm = user.create('warm', workloads.wide(2)(0))
        user.wait(warm, 'CREATE_COMPLETE')
        user.delete(warm)
        user.wait(warm, 'DELETE_COMPLETE')
        print('processes:', ', '.join(f'{name} {daemon.pid}' for name, daemon in where.daemons.items()))
        print(report.HEAD, flush=True)
        for name in names:
            if name in left_out or name == 'requests':
                continue
            for phase in run(where, user, name, not options.no_updates):
                phases.append(phase)
                print(report.line(phase), flush=True)
        if 'requests' in names:
            print(f'\n{report.REQUEST_HEAD}', flush=True)
            for one in requests.ask_all(where, user):
                asked.append(one)
                print(report.request_line(one), flush=True)
        kind = where.kind
    print('', *report.notes(names), *(f'{name} needs --cloud sim.' for name in left_out), sep='\n')
    if options.json:
        Path(options.json).write_text(json.dumps({
            'place': kind, 'phases': [asdict(one) for one in phases],
            'requests': [asdict(one) for one in asked]}, indent=1) + '\n')
    return 0


def run(where: place.Place, user: User, name: str, updates: bool) -> Iterable[workloads.Phase]:
    if name == 'idle':
        return [workloads.idle(where)]
    if name == workloads.CROWD:
        return workloads.crowd(where, user)
    if name == workloads.MANY:
        return workloads.many(where, user)
    return workloads.life(where, user, name, workloads.WORKLOADS[name], updates)


if __name__ == '__main__':
    sys.exit(main())
