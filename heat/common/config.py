"""Every configuration option in one list, and the one function that reads them.

Purpose: ``load`` gives a ``ConfigOpts`` that is passed around; ``list_opts`` feeds
the sample generator. Invariant: no module above keeps a configuration of its own
or reads a global one. Neighbours: the options stand in ``config_default`` and
``config_groups``; ``logs`` is set up from what was read; ``cmd`` calls ``load``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import oslo_cache
from oslo_config import cfg

from heat.common import config_default, config_groups, config_misspelt, logs
from heat.version import VERSION

LOG = logging.getLogger(__name__)

PROJECT = 'heat'
# The engine's tools read the engine's file.
_FILE_OF = {'heat-manage': 'heat-engine', 'heat-all': 'heat-engine'}
_ONLY_DEFAULT = (('DEFAULT', 'cloud_backend'), ('DEFAULT', 'keystone_backend'), ('database', 'backend'))
_WITHOUT_EFFECT = (('database', 'slave_connection'), ('database', 'asyncio_connection'),
                   ('database', 'asyncio_slave_connection'))
# Sections where plugins of keystoneauth read what they need.
_OPEN = frozenset({'keystone_authtoken', *config_groups.LOADED_BY_PLUGIN})
# Workers read the same files again; what their parent has told they need not tell.
_told: set[str] = set()


class ConfigError(Exception):
    """The configuration cannot be used; the text says which option and why."""


def _sections() -> list[tuple[str, list[cfg.Opt]]]:
    return [('DEFAULT', config_default.OPTIONS), *config_groups.GROUPS.items()]


def register(conf: cfg.ConfigOpts) -> None:
    """Make every option known to ``conf``; doing it twice is harmless."""
    for group, options in _sections():
        conf.register_opts(options, group=None if group == 'DEFAULT' else group)
    # Of [cache] we read `enabled`. An option of our own there would be refused beside the library's.
    oslo_cache.configure(conf)
    for group in ('trustee', 'ec2authtoken'):
        conf.register_opts(config_groups.loading.get_auth_common_conf_options(), group=group)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """(section, options) for the sample generator: entry point ``oslo.config.opts``, name ``heat``."""
    return [(group, [*options, *config_groups.LOADED_BY_PLUGIN.get(group, [])])
            for group, options in _sections()]


def load(prog: str, argv: Sequence[str] | None = None, config_files: Sequence[str] | None = None, *,
         conf: cfg.ConfigOpts | None = None, cli_opts: Sequence[cfg.Opt] = (),
         logging_setup: bool = True) -> cfg.ConfigOpts:
    """Read configuration for program ``prog`` (for example ``heat-api``) and set up logging.

    ``argv`` holds the arguments after the program's name; None means those of this
    process. Files: ``--config-file`` and ``--config-dir``, else ``config_files``,
    else heat.conf and ``<prog>.conf`` in ~/.heat, ~, /etc/heat and /etc, with their
    ``.conf.d`` directories. ``conf`` may be oslo's global object, which the
    filters of other projects read; our own code is handed the returned one.
    Raises ConfigError for values that this service does not support, and oslo.config's
    errors for files that cannot be read.
    """
    conf = conf if conf is not None else cfg.ConfigOpts()
    register(conf)
    logs.register(conf)
    conf.register_cli_opts(list(cli_opts))
    searched = _FILE_OF.get(prog, prog)
    files = list(config_files) if config_files is not None else (
        cfg.find_config_files(project=PROJECT, prog=searched))
    directories = [] if config_files is not None else cfg.find_config_dirs(project=PROJECT, prog=searched)
    try:
        conf(list(argv) if argv is not None else None, project=PROJECT, prog=prog, version=VERSION,
             default_config_files=files, default_config_dirs=directories)
    except UnicodeDecodeError as error:
        raise ConfigError(f'A configuration file is not text in UTF-8: {error}.') from error
    if logging_setup:
        _log(conf, prog)
    _check(conf)
    return conf


def misread(error: Exception) -> str:
    """Why configparser could not read a file, and in which line; what stands there may be a password."""
    lines = [getattr(error, 'lineno', None), *(number for number, _ in getattr(error, 'errors', ()))]
    number = next(filter(None, lines), None)
    return type(error).__name__ + (f' at line {number}' if number else '')


def encryption_keys(conf: cfg.ConfigOpts) -> list[str]:
    """The current key, then earlier ones: what ``crypt.Crypt`` takes."""
    return [conf.auth_encryption_key, *conf.previous_auth_encryption_keys]


def _log(conf: cfg.ConfigOpts, prog: str) -> None:
    try:
        logs.setup(conf, prog)
    except logs.UNUSABLE as error:
        said = f'{conf.log_dir}, {conf.log_file}, {conf.log_config_append}'
        raise ConfigError('The log cannot be written as log_dir, log_file and log_config_append '
                          f'({said}) say: {error}.') from error
    for sentence in config_misspelt.sentences(conf, dict(_sections()), _OPEN):
        if sentence not in _told:
            _told.add(sentence)
            LOG.warning('%s', sentence)


def _check(conf: cfg.ConfigOpts) -> None:
    # oslo.config looks at a value when it is first read; a wrong one shall stop the start.
    for group, options in _sections():
        section = conf if group == 'DEFAULT' else conf[group]
        for option in options:
            try:
                _ = section[option.dest]
            except cfg.ConfigFileValueError as error:
                where = re.search(r"detail='([^']*)'", str(error))
                why = str(error).rpartition(' is not valid: ')[2]
                file = where[1] if where else 'A configuration file'
                raise ConfigError(f'{file}: [{group}] {option.name} is not valid: {why}.') from error
    if not all(encryption_keys(conf)):
        raise ConfigError('[DEFAULT] auth_encryption_key must not be empty, nor may one of '
                          'previous_auth_encryption_keys be.')
    for group, name in _ONLY_DEFAULT:
        section = conf if group == 'DEFAULT' else conf[group]
        option = next(o for g, options in _sections() if g == group for o in options if o.name == name)
        if section[name] != option.default:
            raise ConfigError(f'[{group}] {name} = {section[name]} is not supported; remove the option.')
    if conf.engine.on_engine_death == 'fail':
        raise ConfigError('[engine] on_engine_death = fail is not supported; the work of a dead engine is '
                          'resumed.')
    for group, name in _WITHOUT_EFFECT:
        if conf[group][name]:
            LOG.warning('[%s] %s is set, but has no effect.', group, name)
    engine = conf.engine
    if engine.lease_beat_interval * 2 >= engine.lease_ttl:
        raise ConfigError('[engine] lease_beat_interval must be less than half of lease_ttl.')
