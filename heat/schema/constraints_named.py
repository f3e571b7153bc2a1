"""Custom constraints that need no cloud, as pure functions by name.

Purpose: syntax of addresses, names, times and the like. Invariant: a function
takes any value and returns None or a sentence; it never raises. Neighbours:
``constraints.Custom`` calls them by the names of the interface contract.
"""

from __future__ import annotations

import ipaddress
import json
import re
import zoneinfo
from collections.abc import Callable
from datetime import datetime
from typing import Any

_LABEL = re.compile(r'^(?!-)[a-zA-Z0-9_-]{1,63}(?<!-)$')
_MAC = re.compile(r'^([0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(\2[0-9a-fA-F]{2}){4}'
                  r'|[0-9a-fA-F]{12}|[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4}){2})$')
_ISO_DURATION = re.compile(r'^P(?=\d|T\d)(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?'
                           r'(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?$')
_FQDN_MAX = 255
_QUEUE, _QUEUE_MAX = re.compile(r'^[a-zA-Z0-9_.\-]+\Z'), 64


def _parses(parse: Callable[[str], Any], value: Any) -> bool:
    try:
        parse(str(value))
    except ValueError:
        return False
    return True


def ip_addr(value: Any) -> str | None:
    return None if _parses(ipaddress.ip_address, value) else 'Invalid IP address'


def _network(text: str) -> None:
    # Without a slash it is an address, and a bare integer is no notation of a network.
    if '/' not in text:
        raise ValueError(text)
    ipaddress.ip_network(text, strict=False)


def net_cidr(value: Any) -> str | None:
    return None if _parses(_network, value) else f'Invalid net cidr {value}'


def ip_or_cidr(value: Any) -> str | None:
    if ip_addr(value) is None or net_cidr(value) is None:
        return None
    return f'{value} is not a valid IP or CIDR'


def mac_addr(value: Any) -> str | None:
    return None if _MAC.match(str(value)) else 'Invalid MAC address.'


def _labels(name: str, value: str) -> str | None:
    for label in name.split('.'):
        if not label:
            return f"'{value}' not in valid format. Reason: Encountered an empty component."
        if not _LABEL.match(label):
            return (f"'{value}' not in valid format. Reason: Name '{label}' must be 1-63 characters long, "
                    'each of which can only be alphanumeric or a hyphen.')
    return None


def _top_level(name: str, value: str) -> str | None:
    parts = name.split('.')
    if len(parts) > 1 and parts[-1].isdigit():
        return f"'{value}' not in valid format. Reason: TLD '{parts[-1]}' must not be all numeric."
    return None


def rel_dns_name(value: Any) -> str | None:
    """A name that may be relative; one with a final dot must have two labels at least."""
    text = str(value)
    if not text:
        return None
    if len(text) > _FQDN_MAX:
        return f"'{text}' exceeds the {_FQDN_MAX} character FQDN limit"
    name = text.removesuffix('.')
    fault = _labels(name, text)
    if fault is None and text.endswith('.'):
        if '.' not in name:
            return f"'{text}' not in valid format. Reason: '{text}' is not a FQDN"
        return _top_level(name, text)
    return fault


def dns_name(value: Any) -> str | None:
    """A name that is relative, or ends in a domain that is not all digits."""
    text = str(value)
    return rel_dns_name(value) or (_top_level(text.removesuffix('.'), text) if text else None)


def dns_domain(value: Any) -> str | None:
    """A domain with its final dot and more than one label."""
    text = str(value)
    if not text:
        return None
    fault = dns_name(value)
    if fault:
        return fault
    if not text.endswith('.'):
        return f"'{text}' must end with '.'."
    return None


def _cron_field(text: str, low: int, high: int, names: dict[str, int]) -> bool:
    """Whether ``text`` is a cron field: a list of ``*``, values and ranges, each with a step."""

    def number(word: str) -> int:
        value = names.get(word.lower(), -1) if word.isalpha() else int(word)
        if not low <= value <= high:
            raise ValueError(word)
        return value

    for part in text.split(','):
        span, slash, step = part.partition('/')
        if slash and not (step.isdigit() and int(step) > 0):
            return False
        if span in ('*', '?'):
            continue
        try:
            ends = [number(word) for word in span.split('-')]
        except ValueError:
            return False
        if len(ends) > 2 or ends[0] > ends[-1]:
            return False
    return True


_MONTHS = {name: index for index, name in enumerate(
    ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'], 1)}
_DAYS = {name: index for index, name in enumerate(['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'])}
_CRON: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ('minute', 0, 59, {}), ('hour', 0, 23, {}), ('day of month', 1, 31, {}), ('month', 1, 12, _MONTHS),
    ('day of week', 0, 7, _DAYS))


def cron_expression(value: Any) -> str | None:
    """Five fields: minute, hour, day of month, month, day of week."""
    if not value:
        return None
    fields = str(value).split()
    if len(fields) != len(_CRON):
        return f'Invalid CRON expression: it has {len(fields)} fields and not {len(_CRON)}'
    for text, (name, low, high, names) in zip(fields, _CRON, strict=True):
        if not _cron_field(text, low, high, names):
            return f'Invalid CRON expression: [{text}] is no {name}'
    return None


def timezone(value: Any) -> str | None:
    if not value:
        return None
    try:
        zoneinfo.ZoneInfo(str(value))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return f'Invalid timezone: {value}'
    return None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.strip())


def expiration(value: Any) -> str | None:
    """A moment in ISO 8601; that it lies ahead is judged by who has a clock."""
    if not value or _parses(_moment, value):
        return None
    return f'Expiration {value} is invalid: it is not an ISO 8601 time'


def iso_8601(value: Any) -> str | None:
    """A moment or a duration (``PT5M``) in ISO 8601."""
    if _parses(_moment, value) or _ISO_DURATION.match(str(value)):
        return None
    return f'Invalid date or duration: {value} is not in ISO 8601 form'


def json_string(value: Any) -> str | None:
    try:
        json.loads(value if isinstance(value, str) else json.dumps(value))
    except (ValueError, TypeError, RecursionError) as error:
        return f'{value} is not a valid JSON: {error}'
    return None


def test_constr(value: Any) -> str | None:
    """Of OS::Heat::TestResource: a number of seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return None
    return f'{value} is not a number of seconds'


def queue(value: Any) -> str | None:
    """The name of a queue, which need not be there: it is made when something is put into it."""
    text = str(value)
    if not 0 < len(text) <= _QUEUE_MAX:
        return f'The name of a queue has from 1 to {_QUEUE_MAX} characters, and not {len(text)}'
    if not _QUEUE.match(text):
        return f'The name of a queue has letters, digits, underscores, dashes and dots only, not {text}'
    return None


NAMED: dict[str, Callable[[Any], str | None]] = {
    one.__name__: one for one in (
        cron_expression, dns_domain, dns_name, expiration, ip_addr, ip_or_cidr, iso_8601, json_string,
        mac_addr, net_cidr, rel_dns_name, test_constr, timezone)}
NAMED['zaqar.queue'] = queue
