"""Log lines that say which request, project, stack, resource and operation they belong to.

Purpose: options and handlers are oslo.log's, so ``log_dir``, ``debug``,
``use_journal`` and the rest work as ever; the lines are ours. Invariant: no line
leaves the process unmasked, whatever formatter is configured. Neighbours:
``config.load`` calls ``setup``; ``api``, ``bus`` and ``engine`` call ``bind``.
"""

from __future__ import annotations

import contextlib
import contextvars
import datetime
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

from oslo_config import cfg
from oslo_log import log as oslo_log

from heat.common import text

FIELDS = ('request', 'user', 'project', 'stack', 'resource', 'operation')
_bound: contextvars.ContextVar[dict[str, str] | None] = contextvars.ContextVar('heat_log_ids', default=None)

# What ``setup`` raises for options that cannot be followed.
UNUSABLE = (OSError, oslo_log.LogConfigError, RuntimeError)
_FORMAT_OPTIONS = ('logging_context_format_string', 'logging_default_format_string')


@contextlib.contextmanager
def bind(**ids: Any) -> Iterator[None]:
    """Add ids to every line logged inside the block; None leaves out, inner wins over outer.

    Known names: request, user, project, stack, resource, operation.
    """
    unknown = set(ids) - set(FIELDS)
    if unknown:
        raise TypeError(f'unknown log fields: {sorted(unknown)}')
    token = _bound.set({**(_bound.get() or {}), **{k: str(v) for k, v in ids.items() if v is not None}})
    try:
        yield
    finally:
        _bound.reset(token)


def bound() -> dict[str, str]:
    """The ids in force here, in the order of ``FIELDS``."""
    ids = _bound.get() or {}
    return {name: ids[name] for name in FIELDS if name in ids}


class Lines(logging.Formatter):
    """One text line per record: time, process, level, logger, [ids], message."""

    def __init__(self) -> None:
        super().__init__('%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s %(ids)s%(message)s',
                         '%Y-%m-%d %H:%M:%S')

    def format(self, record: logging.LogRecord) -> str:
        ids = ' '.join(f'{name}={value}' for name, value in bound().items())
        record.ids = f'[{ids}] ' if ids else ''
        return text.mask(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object per record; ids are keys of their own."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, Any] = {
            'time': when.isoformat(timespec='milliseconds').replace('+00:00', 'Z'),
            'level': record.levelname, 'logger': record.name, 'process': record.process,
            'message': text.mask(record.getMessage()), **bound()}
        if record.exc_info:
            line['exception'] = text.mask(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class Masked(logging.Formatter):
    """Whatever ``inner`` makes of a record, masked."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self.inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return text.mask(self.inner.format(record))


def register(conf: cfg.ConfigOpts) -> None:
    """Make the logging options known, on the command line too."""
    oslo_log.register_options(conf)


def setup(conf: cfg.ConfigOpts, prog: str) -> None:
    """Configure the root logger from ``conf``; ``prog`` names the program in syslog and journal."""
    oslo_log.setup(conf, prog)
    own_format = any(_set_by_operator(conf, name) for name in _FORMAT_OPTIONS)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            # oslo.log's choice without a file. What heat-manage prints must stay apart.
            handler.setStream(sys.stderr)
        if conf.log_config_append or own_format:
            handler.setFormatter(Masked(handler.formatter or logging.Formatter()))
        elif type(handler).__name__ != 'OSJournalHandler':
            handler.setFormatter(JsonLines() if conf.use_json else Lines())


def _set_by_operator(conf: cfg.ConfigOpts, name: str) -> bool:
    location = conf.get_location(name)
    return location is not None and location.location.is_user_controlled
