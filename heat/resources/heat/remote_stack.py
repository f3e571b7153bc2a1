"""OS::Heat::Stack, its table, and the stack that stands behind another orchestration service.

Purpose: ``StackTable`` is what both kinds have in common, ``RemoteStack`` drives the
service of another region or with another credential over its API. Invariant: the
name follows from the row, so what an unanswered call made is found again; what the
stack tells is kept encrypted. Neighbours: ``stack`` is the other kind and chooses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from heat.model.op import Adopt, Call, CloudFault, NeedsReplacement, Poll, Site, StepFailed
from heat.model.resource import Row
from heat.model.status import Action
from heat.resources.base import Diff, Resource, Steps
from heat.resources.nested import LEARNED, learned
from heat.schema import IN_PLACE, Attr, Boolean, Integer, Map, String, Support
from heat.template.expr import Ref
from heat.template.registry import registry_below

SERVICE = 'orchestration'
_NOT_IN_NAMES = re.compile(r'[^a-zA-Z0-9_.-]')


class StackTable(Resource):
    """A Resource representing a stack.

    To create this resource, we just create a stack in a specific region or with
    a specific credential.
    """

    type = 'OS::Heat::Stack'
    title = 'RemoteStack'

    class properties:
        context = Map('Context for this stack.', update=IN_PLACE, keys={
            'region_name': String('Region name in which this stack will be created.'),
            'credential_secret_id': String(
                'A Barbican secret that stores the cloud credential for a remote cloud.', update=IN_PLACE,
                support=Support(version='12.0.0')),
            'ca_cert': String('Optional. The contents of a CA certificate with which to verify the '
                              "connection to the remote cloud.", update=IN_PLACE,
                              support=Support(version='12.0.0')),
            'insecure': Boolean('If the connection to the remote cloud goes unverified.', default=False,
                                update=IN_PLACE, support=Support(version='12.0.0'))})
        template = String('Template that specifies the stack to be created as a resource.', required=True,
                          update=IN_PLACE)
        timeout = Integer('Number of minutes to wait for this stack creation.', update=IN_PLACE)
        parameters = Map('Set of parameters passed to this stack.', default={}, update=IN_PLACE)

    class attributes:
        stack_name = Attr('Name of the stack.', type='String')
        outputs = Attr('A dict of key-value pairs output from the stack.', type='Map')


class RemoteStack(StackTable):
    """A stack of another service. ``row.physical_id`` is its id there."""

    survives_failure = True

    # -- verbs -------------------------------------------------------------------------------------

    def create(self) -> Steps:
        name = self.stack_name()
        yield Call(SERVICE, 'POST', '/stacks', {'stack_name': name, **self.body(self.props)}, unwrap='stack',
                   identify='id', label='create', at=self.site(), adopt=Adopt(
                       '/stacks', 'stacks', lambda found: bool(found.get('stack_name') == name),
                       {'name': name}))
        return (yield self.until(Action.CREATE))

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        changed = any(name != 'context' for name in diff)
        if not changed and not self.row.keep.get('revive'):
            if diff and (yield self.look()) is None:
                # The credential is one for another place.
                raise NeedsReplacement(f'stack {self.id} is not there')
            return
        try:
            yield Call(SERVICE, 'PUT', self.path(), self.body(new), label='update', at=self.site())
        except CloudFault as fault:
            if fault.status == 404 and fault.service == SERVICE:
                raise NeedsReplacement(f'stack {self.id} is gone') from fault
            raise
        self.seen = yield self.until(Action.UPDATE)

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        yield Call(SERVICE, 'DELETE', self.path(), ok=(404,), label='delete', at=self.site())
        yield self.until(Action.DELETE)

    def check(self) -> Steps:
        if self.row.keep.get('external') is None:
            return (yield from self.act(Action.CHECK))
        # Others manage it: it is looked at and not asked to do anything.
        body = yield self.look()
        if body is None:
            raise StepFailed(f'The stack ({self.id}) is gone.', 'NotFound')
        return body

    def suspend(self) -> Steps:
        yield from self.act(Action.SUSPEND)

    def resume(self) -> Steps:
        yield from self.act(Action.RESUME)

    def snapshot(self) -> Steps:
        yield from ()
        raise StepFailed('A snapshot of a stack in another region or with another credential is not '
                         'supported.', 'NotSupported')

    def read(self, names: tuple[Any, ...]) -> Steps:
        body = self.seen if isinstance(self.seen, dict) else (yield self.look())
        if not isinstance(body, dict):
            return {}
        outputs = {one.get('output_key'): one.get('output_value') for one in body.get('outputs') or ()}
        yield self.keep(**{LEARNED: {'stack_name': body.get('stack_name'), 'outputs': outputs}})
        # It is among what was learned, so only that they were read stands among the attributes.
        return {name: body if name == 'show' else None for name in names}

    def act(self, verb: Action) -> Steps:
        try:
            yield Call(SERVICE, 'POST', f'{self.path()}/actions', {verb.value.lower(): None},
                       label=verb.value.lower(), at=self.site())
        except CloudFault as fault:
            body = (yield self.look()) if fault.status == 409 and fault.service == SERVICE else None
            if not isinstance(body, dict) or body.get('stack_status') != f'{verb}_IN_PROGRESS':
                raise
            # Said before, and the answer was lost: it is doing it.
        return (yield self.until(verb))

    # -- calls ---------------------------------------------------------------------------------------

    def stack_name(self) -> str:
        """A name that the other service takes: of a resource's name not all characters are allowed."""
        return _NOT_IN_NAMES.sub('_', self.physical_name())

    def path(self) -> str:
        if self.row.keep.get('external') is not None:
            return f'/stacks/{self.id}'
        return f'/stacks/{self.stack_name()}/{self.id}'

    def site(self) -> Site:
        context = self.props.get('context') or {}
        return Site(context.get('region_name') or '', context.get('credential_secret_id') or '',
                    context.get('ca_cert') or '', bool(context.get('insecure')))

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """The whole definition: an update says all of it anew."""
        environment = self.around.environment
        body = {'template': props['template'], 'parameters': dict(props.get('parameters') or {}),
                'disable_rollback': True, 'files': dict(self.around.files),
                'environment': {
                    'resource_registry': registry_below(
                        environment.get('resource_registry') or {}, self.name, None),
                    'parameter_defaults': dict(environment.get('parameter_defaults') or {})}}
        if props.get('timeout') is not None:
            body['timeout_mins'] = props['timeout']
        return body

    def look(self) -> Call:
        return Call(SERVICE, 'GET', self.path(), ok=(404,), unwrap='stack', label='show', at=self.site())

    def until(self, verb: Action) -> Poll:
        """Wait until the stack has done it; its failure is told in its own words."""
        def judge(body: dict[str, Any] | None) -> bool | str:
            if body is None:
                return True if verb is Action.DELETE else f'The stack ({self.row.physical_id}) is gone.'
            state = str(body.get('stack_status', ''))
            if state == f'{verb}_FAILED':
                return f'Went to status {state} due to "{body.get("stack_status_reason") or "Unknown"}"'
            return state == f'{verb}_COMPLETE'
        return Poll(SERVICE, self.path(), self.id, judge, unwrap='stack', interval=1.0, max_interval=10.0,
                    at=self.site())

    # -- what the planner asks -------------------------------------------------------------------------

    @classmethod
    def wanted(cls, refs: frozenset[Ref]) -> tuple[Any, ...]:
        # One answer tells both. The whole of it is shown to who asks, and kept nowhere.
        return ('outputs', 'stack_name')

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        return row.attrs.get(name) if name == 'show' else learned(row).get(name)
