"""Types that say in the words of CloudFormation what a type of OpenStack does.

Purpose: a table of properties whose ``wire`` names the property of another type,
``of``, that has the behaviour. Invariant: the other type's verbs run on the same
row and journal, so what it can do about lost answers, replacement and faults is
had here too; it never sees a word of this type. Neighbours: the modules beside
this one fill tables; ``resources.openstack`` has the behaviour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from heat import schema
from heat.model.resource import Row
from heat.model.status import Action
from heat.resources.base import VERB_METHODS, Diff, Resource, Steps, Surroundings
from heat.schema import SAME, UNKNOWN

# What the planner and the shell ask of a class, and the other type answers.
FACTS = ('service', 'survives_failure', 'releases', 'name_limit', 'observes')


class Translated(Resource):
    """A type that is another one under other names. Subclasses name it in ``of``.

    ``found`` are properties of the other type that a step looks up by itself.
    """

    of: ClassVar[type[Resource]]
    found: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if 'of' in cls.__dict__:
            for fact in FACTS:
                if fact not in cls.__dict__:
                    setattr(cls, fact, getattr(cls.of, fact))
        super().__init_subclass__(**kwargs)

    def __init__(self, row: Row, props: dict[str, Any], around: Surroundings) -> None:
        self.inner: Any = self.of(row, {}, around)
        super().__init__(row, props, around)
        self.inner.props = self.words(props)

    @property
    def row(self) -> Row:
        return self._row

    @row.setter
    def row(self, row: Row) -> None:
        # Steps write to the row as they go; both see the same one.
        self._row = row
        self.inner.row = self.spoken(row)

    # -- words -------------------------------------------------------------------------------------

    @classmethod
    def said(cls, props: Mapping[str, Any]) -> dict[str, Any]:
        """What is given, under the other type's names."""
        return schema.wire(cls.schema.properties, props)

    @classmethod
    def words(cls, props: Mapping[str, Any]) -> dict[str, Any]:
        """``props`` as the other type's own, with its defaults."""
        values, _faults = schema.resolve(cls.of.schema.properties, cls.said(props))
        return values

    @classmethod
    def heard(cls, words: Mapping[str, Any]) -> dict[str, Any]:
        """Values of the other type under this type's names, as far as they have the same form."""
        return {name: words[word] for name, prop in cls.schema.properties.items()
                if isinstance(word := name if prop.wire is SAME else prop.wire, str) and word in words
                and prop.updatable and prop.encode is None}

    def spoken(self, row: Row) -> Row:
        """The row as the other type reads it."""
        keep = row.keep
        if keep.get('old_props'):
            keep = {**keep, 'old_props': self.words(keep['old_props'])}
        return replace(row, props=self.words(row.props or {}), keep=keep)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        """What the other type has against values that are known and have been put into its words."""
        known = {name: value for name, value in props.items() if not schema.has_unknown(value)}
        given = {**cls.said(known), **dict.fromkeys(cls.found, UNKNOWN)}
        missing = set(props) - set(known)
        for fault in schema.resolve(cls.of.schema.properties, given)[1]:
            if fault.path or not missing:
                yield fault.text(error='')

    # -- verbs -------------------------------------------------------------------------------------

    @classmethod
    def supports(cls, verb: Action) -> bool:
        return cls.of.supports(verb) and hasattr(cls, VERB_METHODS.get(verb, ''))

    def create(self) -> Steps:
        return (yield from self.inner.create())

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        return (yield from self.change(self.words(diff.old), self.inner.props))

    def change(self, old: Mapping[str, Any], new: dict[str, Any]) -> Steps:
        """The other type's update, from its properties ``old`` to ``new``."""
        return (yield from self.inner.update(new, schema.diff(self.of.schema, old, new)))

    def delete(self) -> Steps:
        yield from self.inner.delete()

    def check(self) -> Steps:
        return (yield from self.inner.check())

    def suspend(self) -> Steps:
        yield from self.inner.suspend()

    def resume(self) -> Steps:
        yield from self.inner.resume()

    def release(self) -> Steps:
        yield from self.inner.release()

    def restore(self) -> Steps:
        yield from self.inner.restore()

    def revive(self) -> Steps:
        """Before a FAILED thing is updated; only asked for where ``survives_failure``."""
        yield from self.inner.revive()

    def observe(self) -> Steps:
        return self.heard((yield from self.inner.observe()))

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return self.heard(self.inner.differences(body))

    def read(self, names: tuple[Any, ...]) -> Steps:
        self.inner.seen = self.seen
        shown = (yield from self.inner.read(('show',))).get('show')
        return schema.read(self.schema, shown or {}, names)
