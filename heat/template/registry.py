"""The registry of resource types: what a type's name stands for in one stack.

Purpose: ``resolve`` a type name to a plugin or to a template file, through the
environments' mappings. Invariant: user mappings go over the operator's, mappings for
a resource's name over general ones, longer names over wildcards; a mapping is used
once per look-up, so nothing runs in a circle.
Neighbours: ``environment`` brings the layers, plugins their types; the engine loads
template files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from heat.common import errors
from heat.common.fault import ENVIRONMENT, MAX_TOLD, TYPE
from heat.schema.suggest import nearest, suggesting
from heat.template.known_types import KNOWN

HOOKS = ('pre-create', 'pre-update', 'pre-delete', 'post-create', 'post-update', 'post-delete')
RESTRICTED_ACTIONS = ('update', 'replace')
TEMPLATE_SUFFIXES = ('.yaml', '.template')
UNSERVED = 'It is a type of Heat that this service does not support yet.'
_SPECIAL = ('resources', 'base_url')


@dataclass(frozen=True, slots=True)
class TypeTarget:
    """What a type is: ``plugin`` (an entry of the plugin table) or ``template`` (a file's name).

    ``name`` is the type's last name after mappings. ``user`` tells that the template was
    named by the user, whose templates may not come from files of the service's host;
    ``written`` is the place in the user's environment that says so, if any does.
    """

    name: str
    plugin: Any = None
    template: str | None = None
    user: bool = True
    written: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layer:
    """One resource_registry section. An operator's null entry takes plugin types away."""

    registry: Mapping[str, Any]
    user: bool = True


class Registry:
    """``layers`` go from the weakest (operator) to the strongest (user).

    ``inside`` names the templates around the stack: a mapping that leads to one of
    them is not seen within it, so a template may be built on the type it stands for.
    """

    def __init__(self, plugins: Mapping[str, Any], layers: Sequence[Layer] = (),
                 inside: frozenset[str] = frozenset()) -> None:
        self.plugins = plugins
        self.layers = tuple(layers)
        self.inside = inside
        # Template files named as types directly; the interface shows them as mappings.
        self.direct_templates: dict[str, str] = {}
        # Suggestions for unknown types, for as many as are told.
        self._near: dict[str, str | None] = {}

    def resolve(self, type_name: str, resource_name: str | None = None) -> TypeTarget:
        """What ``type_name`` is for that resource.

        Raises StackValidationFailed, ``The Resource Type (X) could not be found.``, with
        a suggestion if a known type has a similar name, or that it is not supported yet.
        """
        used: set[tuple[int, str, str]] = set()
        name, user = type_name, True
        written: tuple[str, ...] = ()
        while True:
            found = self._entry(name, resource_name, used)
            if found is None:
                break
            mark, pattern, target = found
            used.add(mark)
            user = self.layers[mark[0]].user
            if target is None:
                raise self._unknown(type_name)
            if user:
                room = ('resources', mark[1]) if mark[1] else ()
                written = ('resource_registry', *room, pattern)
            if pattern.endswith('*') and target.endswith('*'):
                target = target[:-1] + name[len(pattern) - 1:]
            name = target
            if name.endswith(TEMPLATE_SUFFIXES):
                return TypeTarget(name, template=name, user=user, written=written if user else ())
        if name.endswith(TEMPLATE_SUFFIXES):
            self.direct_templates[name] = name
            return TypeTarget(name, template=name, user=True)
        if name in self.plugins:
            return TypeTarget(name, plugin=self.plugins[name], user=user)
        error = self._unknown(type_name)
        raise error if name == type_name or not written else self._mapped(error, written, type_name, name)

    def _entry(self, name: str, resource_name: str | None, used: set[tuple[int, str, str]],
               ) -> tuple[tuple[int, str, str], str, str | None] | None:
        """The strongest entry for ``name`` not used yet."""
        for index in range(len(self.layers) - 1, -1, -1):
            layer = self.layers[index]
            for scope, entries in self._rooms(layer, resource_name):
                # The longest pattern is the most particular one; an exact name is never beaten.
                fits = sorted((p for p in entries if p not in _SPECIAL and _matches(p, name)),
                              key=lambda p: (not p.endswith('*'), len(p)), reverse=True)
                for pattern in fits:
                    mark, target = (index, scope, pattern), entries[pattern]
                    if target is None and layer.user:
                        # A user's null takes back only what the user said.
                        continue
                    if target == name or mark in used or (
                            isinstance(target, str) and target in self.inside):
                        continue
                    if target is None or isinstance(target, str):
                        return mark, pattern, target
        return None

    @staticmethod
    def _rooms(layer: Layer, resource_name: str | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
        if resource_name is not None:
            yield from rooms_of(layer.registry, resource_name)
        yield '', layer.registry

    def _unknown(self, name: str) -> errors.HeatException:
        sentence = f'The Resource Type ({name}) could not be found.'
        if name in KNOWN and name not in self.plugins:
            # It is spelled as it should be, so nothing else was meant.
            return errors.StackValidationFailed(message=f'{sentence} {UNSERVED}').at(
                (), value=name, kind=TYPE)
        if name not in self._near and len(self._near) < MAX_TOLD:
            self._near[name] = nearest(name, [*self._made(), *self._aliases()])
        near = self._near.get(name)
        return errors.StackValidationFailed(message=suggesting(sentence, near)).at(
            (), value=name, suggestion=near, kind=TYPE)

    def _mapped(self, error: errors.HeatException, written: tuple[str, ...], called: str,
                name: str) -> errors.HeatException:
        """``error``, which tells as well that the user's environment leads to no type."""
        try:
            raise self._unknown(name)
        except errors.HeatException as inner:
            near = inner.faults[0].suggestion
        said = suggesting(f'The environment takes {called} for {name}, which is no type here.', near)
        return error.told((*error.faults, errors.Fault(
            said, written, name, suggestion=near, source=ENVIRONMENT, kind=TYPE)), error.untold)

    def _made(self) -> list[str]:
        """The plugins of which something can be made."""
        return [name for name, kind in self.plugins.items() if not getattr(kind, 'retired', '')]

    def _aliases(self) -> list[str]:
        """Names that environments give to types and templates."""
        return [name for layer in self.layers for name in layer.registry
                if name not in _SPECIAL and '*' not in name]

    def hooks(self, resource_name: str) -> frozenset[str]:
        """Hooks set for a resource by any layer."""
        return self._words(resource_name, 'hooks')

    def restricted_actions(self, resource_name: str) -> frozenset[str]:
        """'update' and 'replace', as far as they are forbidden for a resource."""
        return self._words(resource_name, 'restricted_actions')

    def _words(self, resource_name: str, key: str) -> frozenset[str]:
        return frozenset(word for layer in self.layers
                         for _, entries in rooms_of(layer.registry, resource_name)
                         for word in as_list(entries.get(key)))


def rooms_of(registry: Mapping[str, Any], resource_name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    rooms = registry.get('resources') or {}
    fits = [p for p in rooms if isinstance(rooms[p], dict) and fnmatchcase(resource_name, p)]
    for pattern in sorted(fits, key=lambda p: ('*' not in p and '?' not in p, len(p)), reverse=True):
        yield pattern, rooms[pattern]


def _matches(pattern: str, name: str) -> bool:
    return pattern == name or (pattern.endswith('*') and name.startswith(pattern[:-1]))


def as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def registry_below(registry: Mapping[str, Any], resource_name: str, template: str | None) -> dict[str, Any]:
    """The resource_registry of the stack that a resource is.

    What ``resources`` says of the resource becomes what it says of those inside it.
    The mappings that lead to ``template``, the stack's own, are left out.
    """
    rooms: dict[str, Any] = {}
    # From the least particular pattern on, so that a name's own entries win.
    for _pattern, entries in reversed(list(rooms_of(registry, resource_name))):
        rooms.update(_without(entries, template))
    below = _without({key: value for key, value in registry.items() if key != 'resources'}, template)
    return {**below, 'resources': {name: room for name, room in rooms.items() if isinstance(room, dict)}}


def _without(entries: Mapping[str, Any], template: str | None) -> dict[str, Any]:
    kept = {}
    for name, value in entries.items():
        if template is None or value != template:
            kept[name] = _without(value, template) if isinstance(value, dict) else value
    return kept


def check_registry(registry: Mapping[str, Any]) -> None:
    """Check the shape of a resource_registry section.

    Raises InvalidBreakPointHook, InvalidRestrictedAction, or StackValidationFailed.
    """
    for key, value in registry.items():
        if key == 'resources':
            _check_rooms(value)
        elif value is not None and not isinstance(value, (str, dict)):
            raise errors.StackValidationFailed(
                message=f'The registry entry "{key}" must name a resource type or a template.').at(
                    ('resource_registry', key), value=value, source=ENVIRONMENT)


def _check_rooms(rooms: Any) -> None:
    if rooms is None:
        return
    if not isinstance(rooms, dict):
        raise errors.StackValidationFailed(message='The registry entry "resources" must be a map.').at(
            ('resource_registry', 'resources'), source=ENVIRONMENT)
    for name, entries in rooms.items():
        if entries is None:
            continue
        if not isinstance(entries, dict):
            raise errors.StackValidationFailed(
                message=f'The registry entry for resource "{name}" must be a map.').at(
                    ('resource_registry', 'resources', name), value=entries, source=ENVIRONMENT)
        _check_words(name, entries.get('hooks'), HOOKS, 'hook', errors.InvalidBreakPointHook)
        _check_words(name, entries.get('restricted_actions'), RESTRICTED_ACTIONS, 'restricted_action',
                     errors.InvalidRestrictedAction)


def _check_words(name: str, given: Any, known: tuple[str, ...], noun: str,
                 fault: type[errors.HeatException]) -> None:
    if given is None:
        return
    words = [given] if isinstance(given, str) else given
    if not isinstance(words, list) or any(word not in known for word in words):
        wrong = next((word for word in words if word not in known), None) if isinstance(words, list) else None
        raise fault(message=f'Invalid {noun} type "{given}" for resource "{name}", acceptable {noun} '
                            f'types are: {", ".join(known)}').at(
            ('resource_registry', 'resources', name, f'{noun}s'), value=given, source=ENVIRONMENT,
            suggestion=nearest(wrong, known) if isinstance(wrong, str) else None)
