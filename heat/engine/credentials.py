"""The credentials with which stacks act after their requests: made, kept, renewed.

Purpose: from a request's token to what a stack keeps. Invariant: tokens are never
stored; what is stored is encrypted. Neighbours: ``intake`` asks for them when it takes a
wish in, ``clouds.trust`` makes them, ``db.creds`` keeps them.
"""

from __future__ import annotations

import datetime
import logging
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from heat.clouds import trust
from heat.clouds.session import Sessions
from heat.common import errors
from heat.common.clock import Clock
from heat.common.context import RequestContext
from heat.db import connect, creds, stacks
from heat.db.secrets import Cipher
from heat.engine import settings
from heat.engine.loader import Loader
from heat.model.op import CloudFault
from heat.model.stack import Stack

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Without ``sessions`` there is no cloud, and stacks need no credential."""

    database: Engine
    crypt: Cipher
    clock: Clock
    sessions: Sessions | None
    loader: Loader

    def defer(self, context: RequestContext) -> trust.Deferred | None:
        """What lets a stack act as who asks, later; Forbidden or AuthorizationFailure in Keystone's words."""
        if self.sessions is None:
            return None
        try:
            return trust.defer(self.sessions, context)
        except CloudFault as fault:
            if fault.status == 403:
                # Who comes with an application credential may make no trust: a fault of what was asked.
                action = f'trusts, by which stacks act for their users. Keystone: {fault.text()}'
                raise errors.Forbidden(action=action) from fault
            raise errors.AuthorizationFailure(failure_reason=f' {fault.text()}') from fault

    def renew(self, context: RequestContext, stack: Stack) -> None:
        """Who wishes something of a stack whose credential is dead lends it his own.

        Users leave, lose roles, delete trusts and replace EC2 credentials; their stacks are the project's.
        """
        if self.sessions is None or stack.user_creds_id is None or context.tenant_id != stack.tenant:
            return
        with connect.read(self.database) as conn:
            kept = self.loader.credential(conn, stack)
        if kept is None or trust.works(self.sessions, kept, context):
            return
        LOG.info('Stack %s acts for user %s from now on, since its credential gives no token any more.',
                 stack.name, context.user_id)
        deferred, old = self.defer(context), stack.user_creds_id
        owned = deferred is not None and deferred.owned

        def change(conn: Connection) -> bool | None:
            """Whether the old one was lent; None where somebody else was quicker."""
            stacks.lock_stack(conn, stack.root_id)
            acting = [one.id for one in stacks.tree(conn, stack.root_id) if one.user_creds_id == old]
            if not acting:
                return None
            lent = bool(settings.of(conn, stack.root_id).get(settings.LENT))
            if lent is owned:
                settings.change(conn, stack.root_id, {settings.LENT: not owned})
            number = self.store(conn, deferred, context, self.clock.now())
            for one in acting:
                stacks.update_stack(conn, one, user_creds_id=number)
            creds.delete_unused_credential(conn, old)
            return lent

        try:
            lent = connect.writing(self.database, change)
        except BaseException:
            self.forget(deferred, context)
            raise
        if lent is None:
            self.forget(deferred, context)
        elif not lent:
            # It may give tokens again when its user is back, and nobody would ever take it away.
            self.forget(trust.Deferred(kept, owned=True), context)

    def forget(self, deferred: trust.Deferred | None, context: RequestContext) -> None:
        """Of a wish that was refused after all, or one that a stack acts by no more."""
        if deferred is not None and deferred.owned and self.sessions is not None:
            try:
                trust.revoke(self.sessions, deferred.credential, context)
            except (CloudFault, errors.HeatException):
                # A trust that outlives its stack gives nobody anything.
                return

    def store(self, conn: Connection, deferred: trust.Deferred | None, context: RequestContext,
              now: datetime.datetime) -> int | None:
        """Its number, encrypted; None where there is none."""
        if deferred is None:
            return None
        kept = deferred.credential
        return creds.insert_credential(conn, creds.Credential(
            username=context.username, password=kept.password, region_name=kept.region or None,
            tenant=context.tenant, tenant_id=kept.project_id, trust_id=kept.trust_id,
            trustor_user_id=kept.user_id, ec2_access=kept.access_key), self.crypt, now)
