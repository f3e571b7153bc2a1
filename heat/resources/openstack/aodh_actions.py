"""What an alarm of Aodh does: addresses that it calls, queues that it writes to.

Purpose: from the actions of a template to those that Aodh can take. Invariant: one
that writes to a queue carries a signature, so that it needs no trust. Neighbours:
``aodh`` has the types; ``signal_address`` knows where a resource is signalled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from heat.resources.base import Resource, Steps
from heat.resources.openstack import zaqar
from heat.resources.openstack.signal_address import address
from heat.schema import IN_PLACE, List, Property, String, Support
from heat.template.definition import Definition
from heat.template.expr import Constant, Expr, items_of

STATES = ('alarm', 'ok', 'insufficient_data')


def actions(description: str) -> Property:
    return List(f'{description} Each is an address, or the name of a resource of this stack that is '
                'signalled.', wire=None, update=IN_PLACE)


def queues(description: str) -> Property:
    return List(description, default=[], of=String(check='zaqar.queue'), wire=None, update=IN_PLACE,
                support=Support(version='8.0.0'))


def named_in(definition: Definition, others: Collection[str]) -> frozenset[str]:
    """The resources of the template that actions name, as far as it says so itself."""
    given = items_of(definition.properties)
    return frozenset(text for state in STATES if f'{state}_actions' in given
                     for text in _texts(given[f'{state}_actions']) if text in others)


def _texts(node: Expr) -> Iterator[str]:
    if isinstance(node, Constant):
        for one in node.data if isinstance(node.data, list) else [node.data]:
            if isinstance(one, str):
                yield one
    else:
        for child in node.children():
            yield from _texts(child)


def strangers(props: Mapping[str, Any], names: Collection[str]) -> Iterable[str]:
    """Sentences about actions that are neither an address nor the name of a resource."""
    for state in STATES:
        given = props.get(f'{state}_actions')
        for action in given if isinstance(given, list) else ():
            if isinstance(action, str) and action and '://' not in action and action not in names:
                yield f'{state}_actions: the stack has no resource "{action}" that could be signalled.'


def wanted(alarm: Resource, props: Mapping[str, Any]) -> Steps:
    """``alarm_actions`` and the like as Aodh is to have them."""
    found: dict[str, list[str]] = {}
    for state in STATES:
        urls = []
        for action in props.get(f'{state}_actions') or ():
            if action:
                urls.append((yield from address(alarm, str(action))))
        for queue in props.get(f'{state}_queues') or ():
            signature = yield from zaqar.share(queue, ['messages'], ['POST'])
            urls.append(f'zaqar://?{urlencode(zaqar.as_query(queue, signature))}')
        found[f'{state}_actions'] = urls
    return found
