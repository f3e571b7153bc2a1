"""The keys of request bodies as tables: how each is checked, and what it is.

Purpose: one place for reading, refusing and describing what is sent. Invariant:
a key with ``read`` is refused by it or comes out as the engine takes it; the
others are read where they belong. Neighbours: ``instantiation`` reads with
these, ``routes`` names the bodies, ``openapi`` describes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import webob.exc

from heat.api.parameters import Body, Key
from heat.api.wsgi import RefusedType, RefusedValue, count
from heat.common import text

TAG_LENGTH = 80
TOKEN_LENGTH = 128
Json = dict[str, Any]


def _strict_flag(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ('true', 'false'):
        return value.lower() == 'true'
    raise RefusedValue(f'Unrecognized value "{value}" for "{name}", acceptable values are: true, false.')


def _tags(name: str, value: Any) -> list[str]:
    """Comma separated tags, each at most 80 characters long."""
    if not isinstance(value, str):
        raise RefusedType(f'"{name}" must be a text of tags separated by commas.')
    tags = list(dict.fromkeys(tag.strip() for tag in value.split(',') if tag.strip()))
    for tag in tags:
        if len(tag) > TAG_LENGTH:
            raise webob.exc.HTTPBadRequest(
                f'Invalid tag, "{tag}" is longer than {TAG_LENGTH} characters')
        if flaw := text.flaw(tag):
            raise webob.exc.HTTPBadRequest(f'Invalid tag, "{tag}" {flaw}')
    return tags


def _token(name: str, value: Any) -> str:
    """What makes a repeated request the same one."""
    if not (isinstance(value, str) and 0 < len(value) <= TOKEN_LENGTH and value.isascii()
            and value.isprintable()):
        raise RefusedValue(f'"{name}" must be a text of 1 to {TOKEN_LENGTH} printable ASCII characters.')
    return value


def _names(noun: str) -> Callable[[str, Any], list[str]]:
    def read(name: str, value: Any) -> list[str]:
        names = [value] if isinstance(value, str) else value
        if not (isinstance(names, list) and all(isinstance(one, str) for one in names)):
            raise RefusedValue(f'"{name}" must be a list of {noun} names.')
        return names
    return read


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise RefusedValue(f'"{name}" must be a text.')
    return value


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RefusedValue(f'"{name}" must be an object of names and values.')
    return value


def _declarations(name: str, value: Any) -> list[Any]:
    if not (isinstance(value, list) and all(isinstance(one, dict) for one in value)):
        raise webob.exc.HTTPBadRequest()
    return value


TEXT: Json = {'type': 'string'}
TEXTS: Json = {'type': 'array', 'items': TEXT}
MAP: Json = {'type': 'object'}
TEXT_OR_MAP: Json = {'type': ['string', 'object']}
ANY: Json = {}
FLAG: Json = {'anyOf': [{'type': 'boolean'}, {'type': 'string', 'pattern': '^([Tt]rue|[Ff]alse)$'}]}
NAMES: Json = {'type': ['array', 'string', 'null'], 'items': TEXT}

# What goes to the engine as an argument of its own.
ARGUMENTS: dict[str, Key] = {
    'timeout_mins': Key({'type': ['integer', 'string', 'null']}, 'Minutes after which it has failed', count),
    'disable_rollback': Key(FLAG, 'Leave what was made when it fails', _strict_flag),
    'converge': Key(FLAG, 'Look at the cloud before the update', _strict_flag),
    'existing': Key(FLAG, 'Lay what is sent over what is stored', _strict_flag),
    'tags': Key({'type': ['string', 'null']}, f'Tags separated by commas, of {TAG_LENGTH} characters at most',
                _tags),
    'clear_parameters': Key(NAMES, 'Names of stored parameters to forget', _names('parameter')),
    'adopt_stack_data': Key(TEXT, 'A stack as it was abandoned, as JSON or YAML'),
    # Ours, from here on.
    'guard': Key(NAMES, 'Names of resources that may be neither replaced nor deleted', _names('resource')),
    'termination_protection': Key(FLAG, 'Refuse to delete or abandon the stack', _strict_flag),
    'client_request_token': Key({'type': ['string', 'null'], 'minLength': 1, 'maxLength': TOKEN_LENGTH},
                                'Makes a repeated request the same one, if it asks for the same', _token)}
NAME = Key({**TEXT, 'examples': ['web']}, 'Name of the stack')
EXAMPLE = {'heat_template_version': '2021-04-16', 'resources': {'word': {'type': 'OS::Heat::RandomString'}}}
TEMPLATE: dict[str, Key] = {
    'template': Key({**TEXT_OR_MAP, 'examples': [EXAMPLE]}, 'The template, as an object or as its text'),
    'template_url': Key(TEXT, 'Where the template is, if it is not sent'),
    'parameters': Key({'type': ['object', 'null']}, 'Values of parameters'),
    'environment': Key({'type': ['string', 'object', 'null']},
                       'The environment, as an object or as its text'),
    'files': Key({'type': ['object', 'null'], 'additionalProperties': TEXT},
                 'Files that template and environment name, with their contents'),
    'environment_files': Key({'type': ['array', 'null'], 'items': TEXT},
                             'Names of files that are merged as the environment'),
    'files_container': Key({'type': ['string', 'null']}, 'A Swift container with files')}


def _arguments(*names: str) -> dict[str, Key]:
    return {name: ARGUMENTS[name] for name in names}


_CREATE = {'stack_name': NAME, **TEMPLATE,
           **_arguments('timeout_mins', 'disable_rollback', 'tags', 'adopt_stack_data',
                        'termination_protection')}
_UPDATE = {**TEMPLATE, **_arguments('timeout_mins', 'disable_rollback', 'tags', 'clear_parameters',
                                    'converge', 'guard', 'termination_protection')}
_REPEATS = _arguments('client_request_token')
CREATE = Body({**_CREATE, **_REPEATS}, required=('stack_name',))
PREVIEW = Body(_CREATE, required=('stack_name',))
UPDATE = Body({**_UPDATE, **_arguments('existing'), **_REPEATS})
PATCH = Body({**_UPDATE, **_REPEATS})
PREVIEW_UPDATE = Body(_UPDATE)
def _plan_name(name: str, value: Any) -> str | None:
    return None if value is None else _text(name, value)


PLAN_NAME = Key({'type': ['string', 'null']}, 'Name of the plan', _plan_name)
PLAN = Body({**{name: key for name, key in _CREATE.items() if name != 'adopt_stack_data'},
             'name': PLAN_NAME}, required=('stack_name',))
PLAN_UPDATE = Body({**_UPDATE, **_arguments('existing'), 'name': PLAN_NAME})
EXECUTE = Body(_arguments('disable_rollback', 'client_request_token'))
VALIDATE = Body(TEMPLATE)
SNAPSHOT = Body({'name': Key(ANY, 'Name of the snapshot')})
UNHEALTHY = Body({'mark_unhealthy': Key(FLAG, 'Unhealthy, or well again'),
                  'resource_status_reason': Key(ANY, 'Why')}, required=('mark_unhealthy',), closed=True)
_VALUES = Key({'type': ['object', 'null']}, 'Values by name', _object)
_IO = Key({'type': ['array', 'null'], 'items': MAP}, 'Declarations', _declarations)


def _texts(**says: str) -> dict[str, Key]:
    return {name: Key({'type': ['string', 'null']}, said, _text) for name, said in says.items()}


_STATE = _texts(action='What it is for', status='How far it is', status_reason='Why')
CONFIG = Body({**_texts(name='Name of the config', group='What runs it'), 'config': Key(ANY, 'What is run'),
               'inputs': _IO, 'outputs': _IO,
               'options': Key({'type': ['object', 'null']}, 'Options of the group', _object)})
DEPLOYMENT = Body({**_texts(config_id='The config', server_id='The server'), 'input_values': _VALUES,
                   **_STATE, **_texts(stack_user_project_id='Project of the user on the server')})
CHANGES = Body({**_texts(config_id='The config'), 'input_values': _VALUES, 'output_values': _VALUES,
                **_STATE})
SIGNAL = Body({})
