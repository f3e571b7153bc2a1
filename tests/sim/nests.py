"""Templates made of templates, for several tests."""

from __future__ import annotations

import json
from typing import Any

from heat.engine.live import LiveReader
from heat.engine.reads import Reads

INNER = 'file:///inner.yaml'
MAPPED = {'resource_registry': {'My::Thing': INNER}}


def hot(outputs: dict[str, Any] | None = None, parameters: dict[str, Any] | None = None,
        **resources: Any) -> dict[str, Any]:
    found = {'heat_template_version': '2021-04-16', 'parameters': parameters or {}, 'resources': resources,
             'outputs': {name: {'value': value} for name, value in (outputs or {}).items()}}
    return {key: value for key, value in found.items() if value}


def res(value: Any = 'one', **more: Any) -> dict[str, Any]:
    props = more.pop('props', {})
    return {'type': 'OS::Heat::TestResource', 'properties': {'value': value, **props}, **more}


def text(tree: dict[str, Any]) -> str:
    return json.dumps(tree)


def inner(suffix: str = '', **props: Any) -> dict[str, Any]:
    """One thing that says a word."""
    return hot(parameters={'word': {'type': 'string', 'default': 'w'}},
               outputs={'said': {'get_attr': ['a', 'output']}, 'both': {
                   'first': {'get_attr': ['a', 'output']}, 'list': [1, {'get_param': 'word'}]}},
               a=res({'list_join': ['', [{'get_param': 'word'}, suffix]]}, props=props))


def files(tree: dict[str, Any] | None = None, **more: dict[str, Any]) -> dict[str, str]:
    return {INNER: text(tree or inner()), **{f'file:///{name}.yaml': text(one) for name, one in more.items()}}


def thing(word: str | None = None, **more: Any) -> dict[str, Any]:
    return {'type': 'My::Thing', **({'properties': {'word': word}} if word is not None else {}), **more}


def outputs(world: Any, me: dict[str, Any], live: Any = None) -> dict[str, Any]:
    """The outputs of a stack, as a user sees them; a fault instead of a value that has one."""
    reader = live or LiveReader(world.database, world.engine.loader, world.engine.performer)
    shown = Reads(world.database, world.conf, world.crypt, world.clock, reader).show_stack(
        world.context, me)[0]
    return {one['output_key']: one.get('output_error', one['output_value']) for one in shown['outputs']}


def below(world: Any, me: dict[str, Any], *names: str) -> dict[str, Any]:
    """The identity, as far as the world needs it, of the stack that a resource is."""
    for name in names:
        me = {'stack_id': world.rows(me)[name].physical_id}
    stack = world.stack(me)
    return dict(stack.identity.to_wire())
