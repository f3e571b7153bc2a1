"""Paste files that were written for earlier releases.

Purpose: deployers bring their own api-paste.ini; the factories it names are read
as ours. Invariant: what has no counterpart stays as it is and fails to load by
its name. Neighbours: ``api.deploy`` applies this to what it has read.
"""

from __future__ import annotations

from configparser import RawConfigParser

OURS = 'heat.api.filters:'
# Factories that stood for themselves.
FACTORIES = {
    'heat.api:pipeline_factory': 'heat.api.deploy:pipeline_factory',
    'heat.api:root_app_factory': 'paste.urlmap:urlmap_factory',
    'heat.api.aws.ec2token:EC2Token_filter_factory': OURS + 'ec2authtoken_factory',
    'heat.common.auth_password:filter_factory': OURS + 'authpassword_factory',
    'heat.common.auth_token:filter_factory': OURS + 'authtoken_factory',
    'heat.common.auth_url:filter_factory': OURS + 'authurl_factory',
    'heat.common.context:ContextMiddleware_filter_factory': OURS + 'context_factory',
    'heat.common.custom_backend_auth:filter_factory': OURS + 'custombackendauth_factory',
    'heat.common.noauth:filter_factory': OURS + 'noauth_factory',
    'heat.openstack.common.middleware.request_id:RequestIdMiddleware.factory': OURS + 'request_id_factory',
    'keystoneclient.middleware.auth_token:filter_factory': OURS + 'authtoken_factory',
    'keystonemiddleware.auth_token:filter_factory': OURS + 'authtoken_factory',
    'oslo.middleware.request_id:RequestId.factory': OURS + 'request_id_factory',
    'oslo_middleware.cors:filter_factory': OURS + 'cors_factory',
    'oslo_middleware.request_id:RequestId.factory': OURS + 'request_id_factory',
    'oslo_middleware:HTTPProxyToWSGI.factory': OURS + 'http_proxy_to_wsgi_factory',
    'oslo_middleware:Healthcheck.app_factory': OURS + 'healthcheck_factory',
    'oslo_middleware:Healthcheck.factory': OURS + 'healthcheck_filter_factory',
    'osprofiler.web:WsgiMiddleware.factory': OURS + 'osprofiler_factory'}
# Factories named in a second key, heat.filter_factory or heat.app_factory.
INNER = {
    'heat.api.openstack:version_negotiation_filter': OURS + 'versionnegotiation_factory',
    'heat.api.cfn:version_negotiation_filter': OURS + 'cfnversionnegotiation_factory',
    'heat.api.cloudwatch:version_negotiation_filter': OURS + 'cwversionnegotiation_factory',
    'heat.api.openstack:faultwrap_filter': OURS + 'faultwrap_factory',
    'heat.api.openstack:sslmiddleware_filter': OURS + 'ssl_factory',
    'heat.api.openstack.v1:API': 'heat.api.rest.app:factory',
    'heat.api.cfn.v1:API': 'heat.api.cfn.app:factory',
    'heat.api.cloudwatch:API': 'heat.api.cloudwatch.app:factory'}


def translate(parser: RawConfigParser) -> None:
    """Replace, in place, the factories of earlier releases by ours."""
    for section in parser.sections():
        for kind in ('app', 'filter', 'composite'):
            outer, inner = f'paste.{kind}_factory', f'heat.{kind}_factory'
            if not parser.has_option(section, outer):
                continue
            named = parser.get(section, outer, raw=True)
            ours = FACTORIES.get(named)
            if parser.has_option(section, inner):
                ours = INNER.get(parser.get(section, inner, raw=True))
                if ours:
                    parser.remove_option(section, inner)
            if ours:
                parser.set(section, outer, ours)
