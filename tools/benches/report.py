"""The table, beside what the classic Heat took on such a machine.

The classic's figures: openstack-heat 27.0.1 with its pause of a second for each leaf taken out, 2 engine
and 2 API workers, the same servers; elapsed s, engine + api CPU s, SQL statements, bus messages.
"""
from __future__ import annotations

from benches.requests import Asked
from benches.workloads import WORKLOADS, Phase

Figures = tuple[float, float, float, float]
CLASSIC: dict[tuple[str, str], Figures] = {
    ('wide-100', 'create'): (9.3, 6.0, 6300, 150), ('wide-100', 'no-op update'): (12.3, 9.4, 5100, 270),
    ('wide-100', 'update of all'): (16.2, 18.2, 11900, 370), ('wide-100', 'delete'): (10.2, 7.2, 4800, 180),
    ('wide-300', 'create'): (43, 23.8, 17800, 620), ('wide-300', 'no-op update'): (41, 35, 14900, 870),
    ('wide-300', 'update of all'): (250, 80, 36700, 2870), ('wide-1000', 'create'): (400, 157, 64500, 3900),
    ('chain-300', 'create'): (92, 34, 17300, 900), ('layers-10x20', 'create'): (33, 41, 34600, 340),
    ('group-200x3', 'create'): (26, 17, 16100, 420), ('waits-100', 'create'): (8.4, 5.4, 5500, 160),
    ('many-100x5', 'create'): (43, 22.6, 41300, 700)}
# p50 in ms with one client, requests a second with 1 and with 8, more of which do not make it faster.
CLASSIC_REQUESTS: dict[str, tuple[float, float, float]] = {
    'stack list, 100 stacks': (109, 7, 14), 'stack list, limit 20': (34, 29, 61),
    'stack show, 5 resources': (16, 59, 114), 'stack show, 300 resources': (777, 1.8, 3.4),
    'resource list, 300': (133, 4, 8), 'resource show, in a stack of 300': (98, 6, 8),
    'events, limit 20': (17, 56, 83), 'events, all of a 300-resource stack': (153, 5, 10),
    'template validate, 5 resources': (8, 121, 209), 'template validate, 300 resources': (152, 2.5, 4.4),
    'build_info': (5, 189, 368)}

HEAD = (f'{"workload":<13} {"phase":<14} {"n":>6} {"elapsed":>8} {"engine":>7} {"api":>6} {"keyst.":>6} '
        f'{"mariadb":>7} {"ms/res":>6} {"sql":>7} {"commits":>7} {"msgs":>6} {"ks req":>6} {"tokens":>6} '
        f'{"cloud":>6} {"peak MB":>12}  classic: times as long, CPU, SQL, messages')


def line(phase: Phase) -> str:
    cpu, counts = phase.cpu, phase.counts
    peak = '+'.join(f'{phase.memory[name]["peak"]:.0f}' for name in ('engine', 'api') if name in phase.memory)
    each = f'{cpu["engine"] / phase.resources * 1000:.1f}' if phase.resources else ''
    return (f'{phase.workload:<13} {phase.phase:<14} {phase.resources:>6} {phase.elapsed:>7.2f}s '
            f'{cpu["engine"]:>7.2f} {cpu.get("api", 0):>6.2f} '
            f'{cpu.get("keystone", cpu.get("cloud", 0)):>6.2f} {cpu.get("mariadb", 0):>7.2f} {each:>6} '
            + ' '.join(f'{counts.get(name, 0):>{width}.0f}' for name, width in (
                ('sql', 7), ('commits', 7), ('messages', 6), ('keystone', 6), ('tokens', 6), ('cloud', 6)))
            + f' {peak:>12}  {beside(phase)}')


def beside(phase: Phase) -> str:
    known = CLASSIC.get((phase.workload, phase.phase))
    if known is None:
        return ''
    ours = (phase.elapsed, phase.cpu['engine'] + phase.cpu.get('api', 0.0), phase.counts.get('sql', 0),
            phase.counts.get('messages', 0))
    return ', '.join(f'{theirs / mine:.0f}x' if mine > 0 else '-'
                     for theirs, mine in zip(known, ours, strict=True))


REQUEST_HEAD = (f'{"request":<37} {"clients":>7} {"n":>6} {"p50 ms":>8} {"p95 ms":>8} {"req/s":>7} '
                f'{"engine ms":>9} {"api ms":>7} {"sql":>5}  classic: p50 ms, req/s')


def request_line(asked: Asked) -> str:
    known = CLASSIC_REQUESTS.get(asked.request)
    rest = ''
    if known is not None:
        p50 = f'{known[0]:g}, ' if asked.clients == 1 else ''
        rest = f'{p50}{known[1 if asked.clients == 1 else 2]:g}/s'
    return (f'{asked.request:<37} {asked.clients:>7} {asked.count:>6} {asked.p50:>8} {asked.p95:>8} '
            f'{asked.rate:>7} {asked.engine_ms:>9} {asked.api_ms:>7} {asked.sql:>5}  {rest}')


def notes(names: list[str]) -> list[str]:
    """What a reader must know of the workloads that were run."""
    noted = {name: WORKLOADS[name].note for name in names if name in WORKLOADS}
    return [
        *(f'{name}: {note}.' for name, note in noted.items() if note),
        'CPU in seconds by daemon (keyst. is the simulated cloud with --cloud sim); ms/res is engine CPU '
        'for a resource; peak MB is RSS of all processes of engine + api, shared pages counted in each.',
        'The user polls the stack every 0.1 s; its requests are in the figures.']
