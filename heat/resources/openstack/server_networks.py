"""A server's network interfaces: the ports made for it, what it boots with, what changes later.

Purpose: turn the property ``networks`` into ports and requests. Invariant: the
ports that were made go with the server; ports given by id are only lent.
Neighbours: ``server`` calls these steps, ``server_ports`` makes and changes a port.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import Call, CloudFault, Poll, Record
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.journal import once, successors
from heat.resources.openstack.server_ports import (
    PORTS,
    Nic,
    extra_of,
    make_port,
    needs_port,
    port_name,
    reshape,
    stays,
)

RELEASED = 'released_addresses'
MADE = re.compile(r'-port-\d+(-\d+)?$')


def faults(props: Mapping[str, Any]) -> Iterable[str]:
    """Sentences about interfaces that do not fit together."""
    given = props.get('networks')
    # A list that is not known yet is judged when it is.
    nics = [nic for nic in given if isinstance(nic, Mapping)] if isinstance(given, list) else []
    for nic in nics:
        allocate = nic.get('allocate_network')
        ways = [name for name in ('network', 'port', 'subnet') if nic.get(name) is not None]
        if allocate is not None and (ways or len(nics) > 1):
            yield 'allocate_network cannot stand beside other networks, ports or subnets.'
        if allocate is None and not ways:
            yield ('One of the properties "network", "port", "allocate_network" or "subnet" should be set '
                   'for the specified network of the server.')
        if nic.get('port') is not None:
            for name in ('fixed_ip', 'subnet', 'port_extra_properties'):
                if nic.get(name) is not None:
                    yield f'Cannot define the following properties at the same time: port, {name}.'
    if props.get('security_groups') and nics and all(nic.get('port') is not None for nic in nics):
        yield 'security_groups is not applied to ports that are given: set it on the ports.'


# -- creation ------------------------------------------------------------------------------------


def prepare(server: Resource, nics: list[dict[str, Any]]) -> Steps:
    """What the creating request says about networks: 'none', 'auto', a list, or None to say nothing."""
    if not nics:
        return None
    if nics[0].get('allocate_network'):
        return nics[0]['allocate_network']
    wanted = []
    for number, nic in enumerate(nics):
        port = nic.get('port')
        if needs_port(nic):
            port = yield from make_port(server, nic, port_name(server, number))
        entry = {'port': port} if port else {'uuid': nic['network']}
        if not port and nic.get('fixed_ip'):
            entry['fixed_ip'] = nic['fixed_ip']
        if nic.get('tag'):
            entry['tag'] = nic['tag']
        wanted.append(entry)
    return wanted


def reach(server: Resource, nics: Iterable[Nic]) -> Steps:
    """Point the floating addresses of ``nics`` at their ports."""
    for nic in nics:
        if nic.get('floating_ip'):
            yield _floating(nic['floating_ip'], _port_of(server, nic))


def _floating(floating: str, port: str | None) -> Call:
    return Call('network', 'PUT', f'/floatingips/{floating}', {'floatingip': {'port_id': port}},
                label=f'floating {floating}')


def _port_of(server: Resource, nic: Nic) -> str | None:
    if nic.get('port'):
        return str(nic['port'])
    return next((one['id'] for one in server.row.data.get(PORTS) or () if one.get('nic') == nic), None)


# -- changes -------------------------------------------------------------------------------------


def change(server: Resource, diff: Diff) -> Steps:
    """Detach the interfaces that are gone from the list, attach those that came."""
    gone, came = diff.gone('networks'), diff.came('networks')

    def look() -> Steps:
        return {'present': (yield _interfaces(server)), 'own': list(server.row.data.get(PORTS) or ())}
    # The row's own list changes on the way, so what is decided by it is decided by its state at the start.
    view = yield from once(server, 'interfaces', look())
    taken: set[str] = set()
    for old in list(gone):
        twin = next((new for new in came if _plain(new) == _plain(old)), None)
        port = next(iter(_attached(old, view, taken)), None)
        if twin is not None and port is not None:
            taken.add(port)
            gone.remove(old)
            came.remove(twin)
            yield from _redescribe(server, port, old, twin)
    attached = [(nic, port) for nic in gone for port in _taking(nic, view, taken)]
    for new in sorted(came, key=_strictness):
        kept = next(((old, port) for old, port in attached if _serves(port, old, new, view)), None)
        if kept is not None:
            # The same interface, described in another way.
            attached.remove(kept)
            came.remove(new)
            yield from _redescribe(server, kept[1], kept[0], new)
    for _nic, port in attached:
        yield from _detach(server, port, any(one['id'] == port for one in view['own']))
    if not diff.new.get('networks') and gone:
        yield from _as_the_service_likes(server)
    for number, nic in enumerate(came):
        if nic.get('allocate_network') == 'auto':
            yield from _as_the_service_likes(server)
        elif not nic.get('allocate_network'):
            port = nic.get('port') or (yield from make_port(
                server, nic, port_name(server, f'{server.row.goal_seq}-{number}')))
            yield from _attach(server, port, nic.get('tag'))
            yield from reach(server, [nic])


def _plain(nic: Nic) -> dict[str, Any]:
    return {name: value for name, value in nic.items() if name != 'floating_ip' and value is not None}


def _taking(nic: Nic, view: Mapping[str, Any], taken: set[str]) -> list[str]:
    found = _attached(nic, view, taken)
    taken.update(found)
    return found


def _strictness(nic: Nic) -> int:
    """Who wants most chooses first."""
    return -sum(weight for weight, name in ((8, 'port'), (4, 'fixed_ip'), (2, 'subnet'), (1, 'network'))
                if nic.get(name))


def _fits(nic: Nic, one: Mapping[str, Any]) -> bool:
    """Whether an attached interface is where ``nic`` wants to be."""
    fixed = one.get('fixed_ips') or ()
    return (nic.get('network') in (None, one.get('net_id'))
            and nic.get('fixed_ip') in (None, *(each.get('ip_address') for each in fixed))
            and nic.get('subnet') in (None, *(each.get('subnet_id') for each in fixed)))


def _serves(port: str, old: Nic, new: Nic, view: Mapping[str, Any]) -> bool:
    """Whether the port attached for ``old`` is what ``new`` asks for."""
    if new.get('allocate_network') or old.get('allocate_network') or old.get('port'):
        return False
    if old.get('tag') != new.get('tag'):
        return False
    if new.get('port'):
        return bool(new['port'] == port and not extra_of(old))
    return stays(old, new) and any(one['port_id'] == port and _fits(new, one) for one in view['present'])


def _redescribe(server: Resource, port: str, old: Nic, new: Nic) -> Steps:
    """The interface at ``port`` becomes what ``new`` says."""
    if old.get('floating_ip') and old['floating_ip'] != new.get('floating_ip'):
        yield _floating(old['floating_ip'], None)
    kept = server.row.data.get(PORTS) or ()
    if not new.get('port') or any(one['id'] == port for one in kept):
        # Also one that the compute service made is told apart from others of its network from now on.
        yield Record(data={PORTS: [*(one for one in kept if one['id'] != port),
                                   {'id': port, 'nic': dict(new)}]})
    if not new.get('port') and extra_of(old) != extra_of(new):
        yield from reshape(server, port, old, new)
    if new.get('floating_ip'):
        yield _floating(new['floating_ip'], port)


def _interfaces(server: Resource) -> Call:
    return Call('compute', 'GET', f'/servers/{server.id}/os-interface', unwrap='interfaceAttachments',
                label='interfaces')


def _attached(nic: Nic, view: Mapping[str, Any], taken: set[str]) -> list[str]:
    """The ports by which ``nic`` is attached."""
    own = [one['id'] for one in view['own'] if one.get('nic') == nic and one['id'] not in taken]
    if nic.get('port') or own:
        return [str(nic.get('port') or own[0])]
    present = view['present']
    if nic.get('allocate_network'):
        return [one['port_id'] for one in present] if nic['allocate_network'] == 'auto' else []
    known = {one['id'] for one in view['own']}
    fitting = [one['port_id'] for one in present if one['port_id'] not in taken and _fits(nic, one)]
    # A port that is known to be another interface's is the last choice.
    return sorted(fitting, key=lambda port: port in known)[:1]


def _detach(server: Resource, port: str, own: bool) -> Steps:
    path = f'/servers/{server.id}/os-interface/{port}'
    yield Call('compute', 'DELETE', path, ok=(404,), label=f'detach {port}')
    yield Poll('compute', path, port, lambda body: body is None, unwrap='interfaceAttachment')
    if own:
        yield Call('network', 'DELETE', f'/ports/{port}', ok=(404,), label=f'delete {port}')
        yield Record(data={PORTS: [one for one in server.row.data.get(PORTS) or () if one['id'] != port]})


def _attach(server: Resource, port: str, tag: str | None) -> Steps:
    body = {'port_id': port, **({'tag': tag} if tag else {})}
    path = f'/servers/{server.id}/os-interface'
    try:
        yield Call('compute', 'POST', path, {'interfaceAttachment': body}, label=f'attach {port}')
    except CloudFault as fault:
        # Refused because it is there: by a call whose answer was lost.
        if fault.status not in (400, 409) or (yield Call(
                'compute', 'GET', f'{path}/{port}', ok=(404,), label='look')) is None:
            raise


def _as_the_service_likes(server: Resource) -> Steps:
    def look() -> Steps:
        return len((yield _interfaces(server)))
    if not (yield from once(server, 'bare', look())):
        yield Call('compute', 'POST', f'/servers/{server.id}/os-interface', {'interfaceAttachment': {}},
                   label='attach any')


# -- replacement ---------------------------------------------------------------------------------


def let_go(server: Resource) -> Steps:
    """Give up what the server that replaces this one needs: ports of the template, and given addresses."""
    for port, _fixed in (yield from _given_addresses(server)):
        yield _addressed(port, [], 'release')
    for nic in server.props.get('networks') or ():
        if nic.get('port'):
            yield from _detach(server, str(nic['port']), False)


def take_back(server: Resource) -> Steps:
    """Have again what was let go, off whatever server has it now."""
    for nic in server.props.get('networks') or ():
        if nic.get('port'):
            port = str(nic['port'])
            holder = yield from once(server, f'holder of {port}', _holder(server, port))
            if holder is not None:
                yield from _take_from(holder['id'], holder['broken'], port)
            yield from _attach(server, port, nic.get('tag'))
    for port, fixed in server.row.data.get(RELEASED) or ():
        for one in fixed:
            look = _holders(server, one, port)
            for other in (yield from once(server, f'holders of {one["ip_address"]}', look)):
                yield _addressed(other, [], f'release {other}')
        yield _addressed(port, fixed, 'restore')


def _given_addresses(server: Resource) -> Steps:
    """(port, its addresses) of the interfaces whose address the template says, kept on the row."""
    nics = [nic for nic in server.props.get('networks') or () if nic.get('fixed_ip')]
    if not nics:
        return []

    def look() -> Steps:
        view = {'present': (yield _interfaces(server)), 'own': list(server.row.data.get(PORTS) or ())}
        there = {one['port_id']: one.get('fixed_ips') or [] for one in view['present']}
        taken: set[str] = set()
        return [[port, there[port]] for nic in nics for port in _taking(nic, view, taken) if port in there]
    found = yield from once(server, 'given addresses', look())
    yield Record(data={RELEASED: found})
    return found


def _holders(server: Resource, fixed: Mapping[str, Any], but: str) -> Steps:
    """The ports of successors that have this address now; what is somebody else's keeps it."""
    listed = yield Call('network', 'GET', '/ports', query={'fixed_ips': f'ip_address={fixed["ip_address"]}'},
                        unwrap='ports', label='look')
    found = []
    for one in listed:
        same = any(each.get('subnet_id') == fixed['subnet_id'] for each in one.get('fixed_ips') or ())
        if one['id'] == but or not same:
            continue
        device = one.get('device_id')
        # One whose server was never made has the name that it was given here.
        if (yield from successors(server, [device])) if device else MADE.search(one.get('name') or ''):
            found.append(one['id'])
    return found


def _addressed(port: str, fixed: list[Any], label: str) -> Call:
    return Call('network', 'PUT', f'/ports/{port}', {'port': {'fixed_ips': fixed}}, ok=(404,),
                label=f'{label} {port}')


def _holder(server: Resource, port: str) -> Steps:
    """The other server that has ``port`` now, and whether it is broken; None if there is none."""
    found = yield Call('network', 'GET', f'/ports/{port}', ok=(404,), unwrap='port', label='look')
    holder = (found or {}).get('device_id')
    if not holder or holder == server.id:
        return None
    body = yield Call('compute', 'GET', f'/servers/{holder}', ok=(404,), unwrap='server', label='look')
    return None if body is None else {'id': holder, 'broken': body.get('status') == 'ERROR'}


def _take_from(holder: str, broken: bool, port: str) -> Steps:
    """Detach ``port`` from the server ``holder``, a successor that failed."""
    path = f'/servers/{holder}'
    if broken:
        # Nothing can be detached from a broken server, and deleted later it would unbind the port
        # under whoever has it then. It is on its way out in any case.
        yield Call('compute', 'DELETE', path, ok=(404,), label=f'delete {holder}')
        yield Poll('compute', path, holder, lambda body: body is None, unwrap='server')
        return
    inner = f'{path}/os-interface/{port}'
    yield Call('compute', 'DELETE', inner, ok=(404,), label=f'detach {port}')
    yield Poll('compute', inner, port, lambda body: body is None, unwrap='interfaceAttachment')


# -- the end -------------------------------------------------------------------------------------


def remove_ports(server: Resource) -> Steps:
    """Delete the ports that were made for the server, also one whose answer was lost."""
    def look() -> Steps:
        ports = [one['id'] for one in server.row.data.get(PORTS) or ()]
        nics = (server.row.props or {}).get('networks') or []
        names = [port_name(server, number) for number, nic in enumerate(nics) if needs_port(nic)]
        if names:
            listed = yield Call('network', 'GET', '/ports', query={'name': names}, unwrap='ports',
                                label='list ports')
            ports += [one['id'] for one in listed if one['id'] not in ports]
        return ports
    for port in (yield from once(server, 'ports', look())):
        yield Call('network', 'DELETE', f'/ports/{port}', ok=(404,), label=f'delete {port}')
