"""The credentials with which stacks act after their requests: made, kept, renewed.

Purpose: from a request's token to what a stack keeps. Invariant: tokens are never
stored; what is stored is encrypted. Neighbours: ``intake`` asks for them when it takes a
wish in, ``clouds.trust`` makes them, ``db.creds`` keeps them.
"""

from __future__ import annotations

import datetime
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
from heat.engine.loader import Loader
from heat.model.op import CloudFault
from heat.model.stack import Stack


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
        """An EC2 credential may be replaced by its user at any time: the stack then takes this request's."""
        if self.sessions is None or stack.user_creds_id is None:
            return
        with connect.read(self.database) as conn:
            kept = self.loader.credential(conn, stack)
        if kept is None or trust.works(self.sessions, kept, context):
            return
        deferred, old = self.defer(context), stack.user_creds_id

        def change(conn: Connection) -> None:
            number = self.store(conn, deferred, context, self.clock.now())
            for one in stacks.tree(conn, stack.root_id):
                if one.user_creds_id == old:
                    stacks.update_stack(conn, one.id, user_creds_id=number)
            creds.delete_unused_credential(conn, old)

        connect.writing(self.database, change)

    def forget(self, deferred: trust.Deferred | None, context: RequestContext) -> None:
        """Of a wish that was refused after all."""
        if deferred is not None and deferred.owned and self.sessions is not None:
            try:
                trust.revoke(self.sessions, deferred.credential, context)
            except (CloudFault, errors.HeatException):
                # The stack was refused; a trust that outlives it gives nobody anything.
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
