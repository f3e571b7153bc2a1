"""What becomes of a request by what stands in it.

Purpose: OS::Octavia::L7Policy and OS::Octavia::L7Rule. Invariant: a policy has
the target that its action needs and no other. Neighbours: ``rest``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import Adopt
from heat.resources.base import Steps
from heat.resources.openstack.journal import made_since
from heat.resources.openstack.octavia.rest import Octavia
from heat.schema import IN_PLACE, UNKNOWN, Attr, Boolean, Number, String, Support

TARGETS = {'REDIRECT_TO_POOL': 'redirect_pool', 'REDIRECT_TO_URL': 'redirect_url'}
WITH_KEY = ('HEADER', 'COOKIE')
FACTS = ('type', 'compare_type', 'key', 'value', 'invert')


class L7Policy(Octavia):
    """What a listener does with a request to which all of the policy's rules apply."""

    type = 'OS::Octavia::L7Policy'
    support = Support(version='10.0.0')
    path, key, plural = '/lbaas/l7policies', 'l7policy', 'l7policies'

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        admin_state_up = Boolean('Whether it is switched on.', default=True, update=IN_PLACE)
        action = String('What is done with the request.', required=True, update=IN_PLACE,
                        values=['REJECT', *TARGETS])
        redirect_pool = String('Pool that gets the request; with REDIRECT_TO_POOL only.', is_a='octavia.pool',
                               wire='redirect_pool_id', update=IN_PLACE)
        redirect_url = String('Where the client is sent; with REDIRECT_TO_URL only.', update=IN_PLACE)
        position = Number('Its place among the policies of the listener, from 1.', range=(1, None),
                          encode=int, update=IN_PLACE)
        listener = String('The listener.', required=True, is_a='octavia.listener', wire='listener_id')

    class attributes:
        rules = Attr('Its rules.', 'List')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        action = props.get('action')
        if action is UNKNOWN:
            return
        for wanted, target in TARGETS.items():
            if action == wanted and props.get(target) is None:
                yield f'Property {target} is required when action is {wanted}.'
            if action != wanted and props.get(target) is not None:
                yield f'Property {target} must not be given when action is {action}; it goes with {wanted}.'

    def arranged(self, changes: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
        if changes.get('position', 0) is None:
            # It has a place, whoever says so.
            del changes['position']
        if {'action', 'redirect_pool_id', 'redirect_url'} & changes.keys():
            # The three go together: the service takes the other target away by the action.
            changes['action'] = new['action']
            for target, wire in (('redirect_pool', 'redirect_pool_id'), ('redirect_url', 'redirect_url')):
                changes.pop(wire, None)
                if new.get(target) is not None:
                    changes[wire] = new[target]
        return changes


class L7Rule(Octavia):
    """What a request must have for its policy to apply."""

    type = 'OS::Octavia::L7Rule'
    support = Support(version='10.0.0')
    key = 'rule'
    name_key = None

    class properties:
        admin_state_up = Boolean('Whether it counts.', default=True, update=IN_PLACE)
        l7policy = String('The policy.', required=True, is_a='octavia.l7policy', wire=None)
        type_ = String('What is looked at.', required=True, update=IN_PLACE,
                       values=['HOST_NAME', 'PATH', 'FILE_TYPE', 'HEADER', 'COOKIE'])
        compare_type = String('How it is compared.', required=True, update=IN_PLACE,
                              values=['REGEX', 'STARTS_WITH', 'ENDS_WITH', 'CONTAINS', 'EQUAL_TO'])
        invert = Boolean('Whether it applies where the comparison fails.', default=False, update=IN_PLACE)
        key = String('Name of the header or cookie.', update=IN_PLACE)
        value = String('What it is compared with.', required=True, update=IN_PLACE)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        if props.get('type') in WITH_KEY and props.get('key') is None:
            yield f'Property key is required when type is {props["type"]}: it names the header or cookie.'
        if props.get('type') == 'FILE_TYPE' and props.get('compare_type') in (
                'STARTS_WITH', 'ENDS_WITH', 'CONTAINS'):
            yield 'A rule of type FILE_TYPE compares by REGEX or EQUAL_TO only.'

    @property
    def path(self) -> str:  # type: ignore[override]
        return f'/lbaas/l7policies/{self.row.data.get("l7policy_id") or self.props["l7policy"]}/rules'

    def make(self, label: str) -> Steps:
        # The property may be a name, which a deletion does not look up.
        yield self.keep(l7policy_id=self.props['l7policy'])
        return (yield from super().make(label))

    def adopt(self, body: dict[str, Any]) -> Adopt | None:
        mine, recent = [body.get(fact) for fact in FACTS], made_since(self, 'created_at')
        return Adopt(self.path, 'rules',
                     lambda found: [found.get(fact) for fact in FACTS] == mine and recent(found))
