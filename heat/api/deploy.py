"""Loading a pipeline: PasteDeploy's ini file -> one WSGI application.

Purpose: find ``[paste_deploy] api_paste_config``, choose the flavor, build.
Invariant: the process is wired before anything is loaded. Neighbours: ``cmd``
and ``heat.wsgi`` call ``load_app``; ``etc/heat/api-paste.ini`` is the file.
"""

from __future__ import annotations

import configparser
import os
from typing import Any

from paste.deploy import loadwsgi

from heat.api import classic_paste, wiring
from heat.common.config import misread


class PasteError(Exception):
    """The paste file is missing or does not hold what is asked for."""


def load_app(conf: Any, name: str) -> Any:
    """The application ``name`` (``heat-api``, ``heat-api-cfn``, ``heat-api-cloudwatch``).

    With a flavor, a section ``<name>-<flavor>`` is taken if the file has one;
    otherwise ``pipeline_factory`` picks the flavor inside. Raises PasteError.
    """
    if wiring.current().conf is not conf:
        raise PasteError('heat.api.wiring.configure() was called with another configuration')
    path = paste_file(conf)
    try:
        loader = loadwsgi.ConfigLoader(path)
    except (configparser.Error, UnicodeDecodeError) as error:
        raise PasteError(f'The paste file {path} cannot be read: {misread(error)}.') from error
    classic_paste.translate(loader.parser)
    flavor = conf.paste_deploy.flavor
    wanted = f'{name}-{flavor}' if flavor and _has(loader, f'{name}-{flavor}') else name
    try:
        return loader.get_app(wanted, global_conf={})
    except (LookupError, ImportError) as error:
        raise PasteError(f'Unable to load {wanted} from {path}: {error}') from error


def paste_file(conf: Any) -> str:
    """The absolute path of the paste file, looked for beside the configuration files too."""
    name = conf.paste_deploy.api_paste_config
    found = name if os.path.isabs(name) and os.path.isfile(name) else conf.find_file(name)
    if not found:
        raise PasteError(f'The paste file {name} was not found; [paste_deploy] api_paste_config names it.')
    return os.path.abspath(found)


def _has(loader: Any, name: str) -> bool:
    return any(section.split(':', 1)[-1] == name and ':' in section for section in loader.parser.sections())


def pipeline_factory(loader: Any, global_conf: dict[str, str], **local_conf: str) -> Any:
    """A paste composite factory: ``<flavor> = filter filter ... app``, ``default`` without flavor.

    The form of paste files from release 2013.2 on, where one section holds all flavors.
    """
    flavor = wiring.current().conf.paste_deploy.flavor or 'default'
    if flavor not in local_conf:
        raise LookupError(f'there is no pipeline for flavor {flavor}')
    *filters, app = local_conf[flavor].split()
    application = loader.get_app(app, global_conf=global_conf)
    for name in reversed(filters):
        application = loader.get_filter(name, global_conf=global_conf)(application)
    return application
