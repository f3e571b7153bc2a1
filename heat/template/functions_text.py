"""The rules of functions that make text: joins, splits, replacements, digests, URLs.

Purpose: ``rule(name, args) -> value`` on plain values and ``..._shape(name, args)``
on the template's literal arguments (a sentence, or None if they are well formed).
Invariant: pure. A rule raises ValueError or TypeError with the sentence to show.
Neighbours: ``functions`` and ``functions_cfn`` wrap them into nodes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode, urlunsplit

Rule = Callable[[str, Any], Any]
# Characters that one function may make, and places in which it may put something else.
MAX_TEXT = 16 * 1024 * 1024
MAX_PLACES = 1_000_000


def is_function(args: Any) -> bool:
    """True if literal arguments may be a function call that gives the real ones."""
    return isinstance(args, dict) and len(args) == 1


def scalar_text(name: str, value: Any) -> str:
    """A scalar as AWS's format writes it into a text; null is ''. ValueError for a map or list."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if value is None:
        return ''
    if isinstance(value, (int, float)):
        return str(value)
    raise ValueError(f'"{name}" needs text, not {kind_of(value)}')


def kind_of(value: Any) -> str:
    """What a value is, in a sentence that must not show the value."""
    kinds = ((bool, 'true or false'), (str, 'a text'), ((int, float), 'a number'), (list, 'a list'),
             (dict, 'a map'), (type(None), 'null'))
    return next((noun for kind, noun in kinds if isinstance(value, kind)), 'nothing')


def _join_form(name: str) -> str:
    return f'Incorrect arguments to "{name}" should be: "{name}" : [ " ", [ "str1", "str2"]]'


def _list_join_form(name: str) -> str:
    return f'Incorrect arguments to "{name}" should be: "{name}" : [ " ", [ "str1", "str2"] ...]'


def join_shape(name: str, args: Any) -> str | None:
    return None if isinstance(args, list) and len(args) == 2 else _join_form(name)


def list_join_shape(name: str, args: Any) -> str | None:
    return None if isinstance(args, list) and len(args) >= 2 else _list_join_form(name)


def join_strings(name: str, args: Any) -> str:
    """``[delimiter, list]``; items must be strings, null counts as ''."""
    delimiter, items = args
    return _joined(name, delimiter, [items], lambda item: _only_text(name, item))


def list_join(name: str, args: Any) -> str:
    """``[delimiter, list, list...]``; what is no string becomes JSON text."""
    return _joined(name, args[0], args[1:], lambda item: json.dumps(item))


def _only_text(name: str, item: Any) -> str:
    raise TypeError(f'Items to join must be strings not {item!r}')


def _joined(name: str, delimiter: Any, lists: list[Any], other: Callable[[Any], str]) -> str:
    if not isinstance(delimiter, str):
        raise TypeError(f'"{name}" delimiter must be a string')
    pieces: list[str] = []
    for items in lists:
        if items is None:
            continue
        if not isinstance(items, list):
            raise TypeError(f'"{name}" must operate on a list')
        pieces.extend('' if i is None else i if isinstance(i, str) else other(i) for i in items)
    return joined(name, delimiter, pieces)


def joined(name: str, delimiter: str, pieces: list[str]) -> str:
    """``delimiter.join(pieces)``; ValueError, before it is made, if it would be too long."""
    size = sum(map(len, pieces)) + len(delimiter) * max(0, len(pieces) - 1)
    if size > MAX_TEXT:
        raise ValueError(f'"{name}" would make {size} characters; {MAX_TEXT} are allowed.')
    return delimiter.join(pieces)


def _replace_form(name: str) -> str:
    # The classic wording is the text form of a KeyError, quotes and all.
    return repr(f'"{name}" syntax should be {name}:\n'
                '              template: This is var1 template var2\n'
                '              params:\n'
                '                var1: a\n'
                '                var2: string')


def str_replace_shape(name: str, args: Any) -> str | None:
    if not isinstance(args, dict):
        return f'Arguments to "{name}" must be a map'
    if set(args) != {'template', 'params'}:
        return _replace_form(name)
    if not isinstance(args['params'], dict):
        return f'"{name}" parameters must be a mapping'
    if not isinstance(args['template'], (str, dict)):
        return f'"{name}" template must be a string'
    return None


def str_replace(as_json: bool = True, strict: bool = False, filled: bool = False) -> Rule:
    """``{template, params}``: every param name in the template by its value.

    ``as_json``: maps and lists become JSON text; ``strict``: each param must occur;
    ``filled``: no value may be null or empty.
    """

    def rule(name: str, args: Any) -> str:
        template, params = args['template'], args['params']
        return replaced(name, template, params, as_json, strict, filled)

    return rule


def replaced(name: str, template: Any, params: Any, as_json: bool, strict: bool, filled: bool) -> str:
    if not isinstance(template, str):
        raise TypeError(f'"{name}" template must be a string')
    if params is None:
        params = {}
    if not isinstance(params, dict):
        raise TypeError(f'"{name}" parameters must be a mapping')
    values: dict[str, str] = {}
    for key, value in params.items():
        if not key:
            raise ValueError(f'"{name}" does not accept an empty param name')
        if filled and (value is None or value in ('', [], {})):
            raise ValueError(f'"{name}" has an undefined or empty value for param {key}, '
                             'must be a defined non-empty value')
        values[str(key)] = _replacement(name, key, value, as_json)
    # The longest name first, so that no name spoils one that it begins.
    names = sorted(values, key=lambda key: (-len(key), key))
    used: set[str] = set()
    result = _replace_in(name, template, names, 0, values, used)
    if strict and len(used) < len(values):
        left = ', '.join(sorted(set(values) - used))
        raise ValueError(f'The following params were not found in the template: {left}')
    return result


def _replacement(name: str, key: str, value: Any, as_json: bool) -> str:
    if value is None:
        return ''
    if isinstance(value, (str, int, float)):
        return str(value)
    if as_json and isinstance(value, (dict, list)):
        return json.dumps(value)
    raise TypeError(f'"{name}" params must be strings or numbers, param {key} is not valid')


def _replace_in(name: str, template: str, names: list[str], at: int, values: dict[str, str],
                used: set[str]) -> str:
    # Inserted values are never searched again, so the text is cut at each name.
    for number in range(at, len(names)):
        key = names[number]
        places = template.count(key)
        if places:
            used.add(key)
            if places > MAX_PLACES or places * len(values[key]) > MAX_TEXT:
                # Said before there are pieces to hold.
                raise ValueError(f'"{name}" would make more than {MAX_TEXT} characters, or replace {key} in '
                                 f'more than {MAX_PLACES} places.')
            return joined(name, values[key], [
                _replace_in(name, piece, names, number + 1, values, used) if piece else ''
                for piece in template.split(key)])
    return template


def digest_shape(name: str, args: Any) -> str | None:
    if isinstance(args, list) and len(args) == 2:
        return None
    return f'Incorrect arguments to "{name}" should be: "{name}" : [ "algorithm", "value" ]'


_ALGORITHMS = sorted(a for a in hashlib.algorithms_guaranteed if not a.startswith('shake_'))


def digest(name: str, args: Any) -> str:
    """``[algorithm, text]`` as hexadecimal digits."""
    algorithm, value = args
    if algorithm not in _ALGORITHMS:
        raise ValueError(f'Algorithm must be one of {", ".join(_ALGORITHMS)}')
    if not isinstance(value, str):
        raise TypeError(f'Second argument to "{name}" must be a string')
    return hashlib.new(algorithm, value.encode(), usedforsecurity=False).hexdigest()


def _split_form(name: str) -> str:
    return f'Incorrect arguments to "{name}" should be: "{name}" : [ ",", "apples,pears", <index>]'


def str_split_shape(name: str, args: Any) -> str | None:
    return None if isinstance(args, list) and len(args) in (2, 3) else _split_form(name)


def str_split(name: str, args: Any) -> Any:
    """``[delimiter, text]`` as a list, or the piece at ``[.., .., index]``."""
    delimiter, source = args[0], args[1]
    if source is None:
        return None
    if not isinstance(delimiter, str) or not isinstance(source, str) or not delimiter:
        raise ValueError(_split_form(name))
    pieces = source.split(delimiter)
    if len(args) == 2:
        return pieces
    try:
        index = int(args[2])
    except (ValueError, TypeError):
        raise ValueError(f'Incorrect index to "{name}" should be a number') from None
    if not 0 <= index < len(pieces):
        raise ValueError(f'Incorrect index to "{name}" should be between 0 and {len(pieces) - 1}')
    return pieces[index]


_URL_KEYS = ('scheme', 'username', 'password', 'host', 'port', 'path', 'query', 'fragment')


def make_url_shape(name: str, args: Any) -> str | None:
    if not isinstance(args, dict):
        return f'The arguments to "{name}" must be a map'
    strange = sorted(set(args) - set(_URL_KEYS))
    if strange and not is_function(args):
        return f'Invalid arguments to "{name}": {", ".join(strange)}'
    if 'query' in args and not isinstance(args['query'], dict):
        return f'The "query" argument to "{name}" must be a map'
    return None


def make_url(name: str, args: Any) -> str:
    """A URL of its parts; parts that are null or missing are left out."""
    problem = make_url_shape(name, args)
    if problem:
        raise ValueError(problem)
    part = {key: '' if args.get(key) is None else args[key] for key in _URL_KEYS}
    port = str(part['port'])
    if port and not (port.isdigit() and int(port) <= 65535):
        raise ValueError(f'Invalid URL port "{port}"')
    if (port or part['username']) and not part['host']:
        raise ValueError('Only relative URLs are allowed without a host')
    host = str(part['host'])
    netloc = f'[{host}]' if ':' in host and not host.startswith('[') else host
    if port:
        netloc += f':{int(port)}'
    if part['username']:
        user = quote(str(part['username']), '')
        if part['password']:
            user += f':{quote(str(part["password"]), "")}'
        netloc = f'{user}@{netloc}'
    path = quote(str(part['path']))
    if netloc and path and not path.startswith('/'):
        path = '/' + path
    query = urlencode(dict(args.get('query') or {}))
    return urlunsplit((str(part['scheme']), netloc, path, query, quote(str(part['fragment']))))
