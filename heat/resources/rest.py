"""Types that are rows of a REST collection: the table does the work.

Purpose: create, check, update, delete, show, attributes, adoption and polling
from ``service``, ``path``, ``key`` and the schema. Invariant: every creating
call carries its way to be found again. Neighbours: ``resources.openstack``
fills tables; ``clouds`` performs the calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from heat import schema
from heat.model.op import Adopt, Call, CloudFault, NeedsReplacement, Poll, StepFailed
from heat.resources.base import Diff, Resource, Steps

Judge = Callable[[dict[str, Any] | None], bool | str]


class Rest(Resource):
    """A resource with its own URL ``path/<id>``, wrapped in ``key``.

    ``ready`` and ``broken`` are values of ``status_key``; without ``ready`` the
    answer to the creation is the end of it. ``name_key`` is where a name stands. ``noun``
    is what sentences call it, if it is not ``key``.
    """

    path: ClassVar[str] = ''
    key: ClassVar[str] = ''
    noun: ClassVar[str] = ''
    plural: ClassVar[str] = ''
    id_key: ClassVar[str] = 'id'
    name_key: ClassVar[str | None] = 'name'
    list_path: ClassVar[str] = ''
    status_key: ClassVar[str] = 'status'
    ready: ClassVar[tuple[str, ...]] = ()
    broken: ClassVar[tuple[str, ...]] = ('ERROR',)
    update_method: ClassVar[str] = 'PUT'
    gone_by_poll: ClassVar[bool] = False
    # Values of the status, in small letters, in which a thing that was to go has stayed.
    stuck: ClassVar[tuple[str, ...]] = ('error_deleting',)
    by_list: ClassVar[bool] = True
    observes: ClassVar[bool] = True

    @property
    def called(self) -> str:
        return self.noun or self.key or self.type.rpartition('::')[2]

    # -- verbs -------------------------------------------------------------------------------------

    def create(self) -> Steps:
        body = self.body(self.props)
        answer = yield self.post(body)
        if self.ready:
            answer = yield self.until(*self.ready)
        return answer

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        changes = self.changes(diff)
        if changes:
            yield self.put(self.body_of_update(changes))
            if self.ready:
                yield self.until(*self.ready)

    def changes(self, diff: Diff, *names: str) -> dict[str, Any]:
        """Changed properties (all, or those of ``names``) under wire names; null takes one away."""
        picked = diff.only(*names) if names else diff.only(*diff.changed)
        body = schema.wire(self.schema.properties, picked)
        for name, value in picked.items():
            prop = self.schema.properties.get(name)
            if value is None and prop is not None and prop.wire is not None:
                body[name if prop.wire is schema.SAME else str(prop.wire)] = None
        return body

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        yield self.remove()
        if self.gone_by_poll:
            yield self.until_gone()

    def check(self) -> Steps:
        answer = yield self.get()
        state = (answer or {}).get(self.status_key)
        wrong = state not in self.ready if self.ready else state in self.broken
        if wrong:
            instead = f', not {" or ".join(self.ready)}' if self.ready else ''
            raise StepFailed(f'{self.called} {self.id} is {state}{instead}.', 'ResourceInError')
        return answer

    def revive(self) -> Steps:
        """Before a FAILED thing is updated instead of replaced: it must be there and sound."""
        try:
            answer = yield self.get()
        except CloudFault as fault:
            raise NeedsReplacement(fault.text()) from fault
        if str((answer or {}).get(self.status_key, '')).upper() in {b.upper() for b in self.broken}:
            raise NeedsReplacement(f'{self.called} {self.id} is {answer.get(self.status_key)}')

    def read(self, names: tuple[Any, ...]) -> Steps:
        body = self.seen if isinstance(self.seen, dict) else (yield self.get())
        return schema.read(self.schema, body or {}, names)

    def observe(self) -> Steps:
        body = yield Call(self.service or '', 'GET', self.url(), ok=(404,), unwrap=self.key or None,
                          label='show')
        if body is None:
            raise NeedsReplacement(f'{self.called} {self.id} is gone')
        return self.differences(body)

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Properties that could be put right in place and are not in ``body`` as they were asked for."""
        found = {}
        for name, prop in self.schema.properties.items():
            if prop.updatable and prop.wire is not None and self.props.get(name) is not None:
                for key, wanted in schema.wire({name: prop}, {name: self.props[name]}).items():
                    if key in body and not alike(wanted, body[key]):
                        found[name] = body[key]
        return found

    # -- bodies --------------------------------------------------------------------------------------

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """The creation's object: properties under their wire names, and a name."""
        body = schema.wire(self.schema.properties, props)
        if self.name_key and not body.get(self.name_key):
            body[self.name_key] = self.physical_name()
        return body

    def body_of_update(self, changes: dict[str, Any]) -> dict[str, Any]:
        """``changes`` under wire names; a name taken back becomes the physical name again."""
        if self.name_key and changes.get(self.name_key, '') is None:
            changes[self.name_key] = self.physical_name()
        return changes

    # -- calls ---------------------------------------------------------------------------------------

    def url(self, tail: str = '') -> str:
        return f'{self.path}/{self.id}{tail}'

    def wrap(self, body: Any, key: str | None = None) -> Any:
        key = self.key if key is None else key
        return {key: body} if key else body

    def post(self, body: dict[str, Any], label: str = 'create') -> Call:
        return Call(self.service or '', 'POST', self.path, self.wrap(body), unwrap=self.key or None,
                    identify=self.id_key, label=label, adopt=self.adopt(body))

    def get(self) -> Call:
        return Call(self.service or '', 'GET', self.url(), unwrap=self.key or None, label='show')

    def put(self, changes: dict[str, Any], label: str = 'update') -> Call:
        return Call(self.service or '', self.update_method, self.url(), self.wrap(changes),
                    unwrap=self.key or None, label=label)

    def remove(self, label: str = 'delete') -> Call:
        return Call(self.service or '', 'DELETE', self.url(), ok=(404,), label=label)

    def action(self, verb: str, body: Any = None, label: str = '', **values: Any) -> Call:
        """``POST <url>/action {verb: ...}`` as nova and cinder have it."""
        content = body if body is not None else values or None
        return Call(self.service or '', 'POST', self.url('/action'), {verb: content}, label=label or verb)

    def adopt(self, body: dict[str, Any]) -> Adopt | None:
        """How to find the thing again when the creation's answer was lost."""
        name_key = self.name_key
        if not name_key or not body.get(name_key):
            return None
        name = body[name_key]
        return Adopt(self.list_path or self.path, self.plural or f'{self.key}s',
                     lambda found: bool(found.get(name_key) == name), {'name': name})

    # -- waiting -------------------------------------------------------------------------------------

    def until(self, *wanted: str, broken: tuple[str, ...] | None = None,
              judge: Judge | None = None) -> Poll:
        """Wait until the status is one of ``wanted``."""
        return self.poll(judge or self.judge(wanted, self.broken if broken is None else broken))

    def until_gone(self) -> Poll:
        def judge(body: dict[str, Any] | None) -> bool | str:
            if body is None or str(body.get(self.status_key, '')).lower() in ('deleted', 'soft_deleted'):
                return True
            if str(body.get(self.status_key, '')).lower() in self.stuck:
                return f'Went to status {body.get(self.status_key)} due to "{self.why_broken(body)}"'
            return False
        return self.poll(judge)

    def poll(self, judge: Judge) -> Poll:
        listed = (self.list_path or self.path) if self.by_list else None
        return Poll(self.service or '', self.url(), self.id, judge, unwrap=self.key or None,
                    list_path=listed, list_key=self.plural or f'{self.key}s')

    def judge(self, wanted: tuple[str, ...], broken: tuple[str, ...]) -> Judge:
        wanted_states = {w.lower() for w in wanted}
        broken_states = {b.lower() for b in broken}

        def judge(body: dict[str, Any] | None) -> bool | str:
            if body is None:
                return f'The {self.called} ({self.row.physical_id}) is gone.'
            state = str(body.get(self.status_key, ''))
            if state.lower() in wanted_states:
                return True
            if state.lower() in broken_states:
                return f'Went to status {state} due to "{self.why_broken(body)}"'
            return False
        return judge

    def why_broken(self, body: Mapping[str, Any]) -> str:
        """The service's own words about a broken thing."""
        return 'Unknown'


class NamedOnce(Rest):
    """What is known by its name: it goes before its successor comes, which may have the same."""

    releases = True

    def release(self) -> Steps:
        yield self.remove('release')

    def delete(self) -> Steps:
        # Else it is gone, and under its name there may be the successor.
        if not self.row.keep.get('released'):
            yield from super().delete()

    def restore(self) -> Steps:
        yield self.post(self.body(self.props), 'restore')


def alike(wanted: Any, there: Any) -> bool:
    """Whether a service shows what was asked for; it may add to maps, and order lists as it likes."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(
            key in there and alike(value, there[key]) for key, value in wanted.items())
    if isinstance(wanted, list | tuple):
        rest = list(there) if isinstance(there, list | tuple) else []
        if len(rest) != len(wanted):
            return False
        for one in wanted:
            at = next((index for index, other in enumerate(rest) if alike(one, other)), None)
            if at is None:
                return False
            del rest[at]
        return True
    return bool(wanted == there or str(wanted).lower() == str(there).lower())
