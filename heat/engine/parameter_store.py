"""The parameter store of a project: put, get, list and delete.

Purpose: the RPC methods over ``db.stored_parameters``; what ``AWS::SSM::Parameter::Value``
and ``{{resolve:ssm:...}}`` in templates read. Invariant: a project sees its own only; a
value is bounded and encrypted; a SecureString is shown only to who asks for it.
Neighbours: ``foreign`` resolves templates' names, ``api.cfn`` speaks AWS's SSM protocol.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from heat.common import errors
from heat.common.clock import Clock
from heat.common.context import RequestContext
from heat.common.text import flaw
from heat.db import connect, stored_parameters
from heat.db.secrets import Cipher
from heat.db.stored_parameters import KINDS, StoredParameter

MAX_VALUE = 8192
MAX_DESCRIPTION = 1024
MAX_NAMES = 10_000
MAX_PAGE = 50
_NAME = re.compile(r'[A-Za-z0-9_.\-/]{1,255}\Z')


class ParameterStore:
    """Methods of the RPC interface that the classic does not have."""

    def __init__(self, database: Engine, crypt: Cipher, clock: Clock) -> None:
        self._database = database
        self._crypt = crypt
        self._clock = clock

    def put_stored_parameter(self, context: RequestContext, name: str, value: str, kind: str | None = None,
                             description: str = '', overwrite: bool = False) -> dict[str, Any]:
        """Store a value; ``{'name', 'version'}``.

        Without ``kind`` an existing parameter keeps its own, a new one is a String. Invalid for
        a wrong name, kind or size; EntityExists if it is there and may not be overwritten;
        RequestLimitExceeded when the project has too many.
        """
        if not isinstance(name, str) or not _NAME.match(name):
            raise errors.Invalid(reason=f'"{name}" is no name of a parameter: 1 to 255 letters, digits and '
                                        '. - _ / are allowed.')
        if not isinstance(value, str) or not 0 < len(value.encode()) <= MAX_VALUE:
            raise errors.Invalid(reason=f'The value of parameter {name} must be a text of 1 to {MAX_VALUE} '
                                        'bytes.')
        if said := flaw(str(description or ''), MAX_DESCRIPTION):
            raise errors.Invalid(reason=f'The description of parameter {name} {said}.')
        if kind is not None and kind not in KINDS:
            raise errors.Invalid(reason=f'"{kind}" is no type of a parameter; use one of {", ".join(KINDS)}.')
        tenant = _tenant(context)

        def store(conn: Connection) -> int:
            there = stored_parameters.get(conn, tenant, name, None, self._crypt)
            if there is not None and not overwrite:
                raise errors.EntityExists(entity='Parameter', name=name)
            if there is None and stored_parameters.count(conn, tenant) >= MAX_NAMES:
                raise errors.RequestLimitExceeded(
                    message=f'A project may store {MAX_NAMES} parameters.')
            of_kind = kind or (there.kind if there is not None else KINDS[0])
            return stored_parameters.put(conn, tenant, name, value, of_kind, description, self._crypt,
                                         self._clock.now())

        try:
            return {'name': name, 'version': connect.writing(self._database, store)}
        except IntegrityError:
            raise errors.ConcurrentTransaction(action=f'storing parameter {name}') from None

    def get_stored_parameters(self, context: RequestContext, names: Sequence[str],
                              decrypt: bool = False) -> list[dict[str, Any]]:
        """Those of ``names`` (``name`` or ``name:version``) that are there."""
        tenant = _tenant(context)
        if len(names) > MAX_PAGE:
            raise errors.RequestLimitExceeded(message=f'At most {MAX_PAGE} parameters can be read at once.')

        def load(conn: Connection) -> list[StoredParameter | None]:
            return [find(conn, tenant, name, self._crypt) for name in names]

        return [_shown(one, decrypt) for one in connect.reading(self._database, load) if one is not None]

    def list_stored_parameters(self, context: RequestContext, marker: str | None = None,
                               limit: int | None = None, prefix: str = '') -> list[dict[str, Any]]:
        """The newest versions by name, without values, beyond the name ``marker``; those below ``prefix``."""
        tenant, size = _tenant(context), min(limit or MAX_PAGE, MAX_PAGE)

        def load(conn: Connection) -> list[StoredParameter]:
            return stored_parameters.newest(conn, tenant, self._crypt, after=marker or '', limit=size,
                                            prefix=prefix)

        shown = [_shown(one, False) for one in connect.reading(self._database, load)]
        return [{key: value for key, value in one.items() if key != 'value'} for one in shown]

    def delete_stored_parameters(self, context: RequestContext, names: Sequence[str]) -> list[str]:
        """Remove parameters with all their versions; returns the names that were there."""
        tenant = _tenant(context)

        def remove(conn: Connection) -> list[str]:
            there = [name for name in dict.fromkeys(names)
                     if stored_parameters.get(conn, tenant, name, None, self._crypt) is not None]
            stored_parameters.delete(conn, tenant, there)
            return there

        return list(connect.writing(self._database, remove))

def find(conn: Connection, tenant: str, key: str, crypt: Cipher | None) -> StoredParameter | None:
    """The parameter that ``name`` or ``name:version`` means; None if there is none."""
    name, _, version = key.partition(':')
    if version and not (version.isdecimal() and len(version) < 10):
        return None
    return stored_parameters.get(conn, tenant, name, int(version) if version else None, crypt)


def _shown(one: StoredParameter, decrypt: bool) -> dict[str, Any]:
    secret = one.kind == 'SecureString' and not decrypt
    return {'name': one.name, 'kind': one.kind, 'version': one.version, 'description': one.description,
            'value': '******' if secret else one.value,
            'modified': None if one.created_at is None else f'{one.created_at.isoformat()}Z'}


def _tenant(context: RequestContext) -> str:
    if not context.tenant_id:
        raise errors.Forbidden(action='the parameter store')
    return context.tenant_id
