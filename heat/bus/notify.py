"""Notifications about stacks and scaling, for meters, audits and dashboards.

Purpose: event types and payloads on top of oslo.messaging's notifier. Invariant:
a notification is sent after the state it tells of is durable, and failing to send
it never fails the stack. Neighbours: ``engine.loop`` sends; ``transport`` carries.
"""

from __future__ import annotations

import logging
from typing import Any

from oslo_config import cfg

from heat.bus import transport
from heat.common.context import RequestContext

LOG = logging.getLogger(__name__)

SUFFIX = {'IN_PROGRESS': 'start', 'COMPLETE': 'end', 'FAILED': 'error'}


class Notifier:
    """Sends through the drivers of ``[oslo_messaging_notifications]``; none configured means no-op."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._send = transport.notifier(conf, conf.default_publisher_id or f'orchestration.{conf.host}')
        self._level = conf.default_notification_level

    def stack(self, context: RequestContext, action: str, status: str, payload: dict[str, Any]) -> bool:
        """``orchestration.stack.<action>.<start|end|error>``, ``payload`` the stack; False if not sent."""
        return self._notify(context, f'stack.{action.lower()}', SUFFIX[status], payload)

    def autoscaling(self, context: RequestContext, suffix: str, payload: dict[str, Any]) -> bool:
        """``orchestration.autoscaling.<start|end|error>``."""
        return self._notify(context, 'autoscaling', suffix, payload)

    def _notify(self, context: RequestContext, subject: str, suffix: str, payload: dict[str, Any]) -> bool:
        event_type = f'orchestration.{subject}.{suffix}'
        level = 'ERROR' if suffix == 'error' else self._level
        # Listeners need no credentials.
        try:
            self._send(context.loggable(), event_type, level, payload)
        except Exception:
            LOG.warning('Notification %s was not sent.', event_type, exc_info=True)
            return False
        return True
