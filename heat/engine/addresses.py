"""The addresses that resources hand out: where to signal, where to ask.

Purpose: the URLs of our own API, of the CloudFormation API and of Keystone, as
a guest can reach them. Invariant: an option wins over the catalogue; looked up
once and kept. Neighbours: ``loader`` puts them into ``Surroundings``.
"""

from __future__ import annotations

import logging
import re

from oslo_config import cfg

from heat.clouds.credential import Credential
from heat.clouds.session import Sessions

LOG = logging.getLogger(__name__)


class Addresses:
    """``urls()`` gives 'signal' and 'cfn_signal' (with /v1, without the project), 'cfn' 'watch' 'auth'."""

    def __init__(self, conf: cfg.ConfigOpts, sessions: Sessions | None) -> None:
        self._conf = conf
        self._sessions = sessions
        self._urls: dict[str, str] | None = None

    @property
    def region(self) -> str:
        return self._conf.region_name_for_services or 'RegionOne'

    def urls(self) -> dict[str, str]:
        if self._urls is None:
            urls = {'signal': self._native(), 'cfn': self._conf.heat_metadata_server_url or '',
                    'cfn_signal': self._signed(), 'auth': self._auth(),
                    'watch': self._conf.heat_watch_server_url}
            if not urls['signal']:
                # Not kept: the catalogue may know us a moment later.
                return urls
            self._urls = urls
        return self._urls

    def _native(self) -> str:
        """The root of the native API, ``http://host:8004/v1``."""
        url = self._conf.clients_heat.url
        if not url and self._sessions is not None:
            try:
                url = self._sessions.for_credential(Credential.of_service()).base('orchestration')
            except Exception as error:
                LOG.warning('The address of the orchestration service is not known: %s', error)
                return ''
        # Both forms that a catalogue has: with the project in it, and with its placeholder.
        return re.sub(r'(/v\d+)(/.*)?$', r'\1', (url or '').rstrip('/'))

    def _signed(self) -> str:
        """The root of the CFN API that signed addresses begin with, ``http://host:8000/v1``."""
        url = self._conf.heat_waitcondition_server_url
        if url:
            return re.sub(r'/waitcondition/?$', '', url.rstrip('/'))
        if self._conf.heat_metadata_server_url:
            return f'{self._conf.heat_metadata_server_url.rstrip("/")}/v1'
        if self._sessions is None:
            return ''
        try:
            return self._sessions.for_credential(Credential.of_service()).base('cloudformation').rstrip('/')
        except Exception as error:
            LOG.warning('The address of the CloudFormation API is not known: %s', error)
            return ''

    def _auth(self) -> str:
        if self._sessions is None:
            return self._conf.clients_keystone.auth_uri or ''
        return self._sessions.plugins.auth_url()
