"""What a stack takes from other stacks, from its project's parameter store and from the cloud.

Purpose: ``Lender`` works out the exports, outputs, stored parameters and zones that a template
and those nested in it ask for, while the request is taken in. Invariant: everything lent is
written down (``Borrowed``) and stored with the stack, so that a restart or a rollback
sees the values that were asked for; each update asks anew. Neighbours: ``compiled`` asks,
``intake`` opens one per request, ``db.exports`` and ``db.stored_parameters`` hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from heat.common import errors
from heat.db import connect, exports
from heat.db.secrets import Cipher
from heat.engine.parameter_store import find
from heat.model.op import CloudFault, Resolve
from heat.plan.scope import output_key
from heat.template.functions import Path

KEY = 'borrowed'
"""The section of a stored environment that holds what was lent; no user may send it."""


@dataclass(frozen=True, slots=True)
class Borrowed:
    """Values by the name of the export, by ``plan.scope.output_key``, by the key of the store.

    ``zones`` are empty if nobody asked for them.
    """

    imports: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    zones: tuple[str, ...] = ()

    @classmethod
    def of(cls, environment: Mapping[str, Any] | None) -> Borrowed:
        """What a stored environment holds of it."""
        kept = (environment or {}).get(KEY) or {}
        return cls(kept.get('imports') or {}, kept.get('outputs') or {}, kept.get('parameters') or {},
                   tuple(kept.get('zones') or ()))

    def section(self) -> dict[str, Any]:
        """The same as a part of an environment to be stored; nothing for nothing."""
        held = {'imports': dict(self.imports), 'outputs': dict(self.outputs),
                'parameters': dict(self.parameters), **({'zones': list(self.zones)} if self.zones else {})}
        return {KEY: held} if any(held.values()) else {}


class Lender:
    """Lends to one stack of the project ``tenant``.

    ``output(stack, name)`` gives the value of an output of another stack of the
    project; it raises EntityNotFound, or ValueError with a sentence. ``zones()`` asks the
    cloud for those of its compute service, and raises CloudFault.
    """

    def __init__(self, database: Engine, crypt: Cipher, tenant: str, region: str,
                 output: Callable[[str, str], Any], zones: Callable[[], Iterable[str]] = lambda: ()) -> None:
        self._database = database
        self._crypt = crypt
        self._tenant = tenant
        self._region = region
        self._output = output
        self._imports: dict[str, Any] = {}
        self._outputs: dict[str, Any] = {}
        self._parameters: dict[str, Any] = {}
        self._ask_zones = zones
        self._zones: tuple[str, ...] = ()

    @property
    def borrowed(self) -> Borrowed:
        """All that was lent so far."""
        return Borrowed(self._imports, self._outputs, self._parameters, self._zones)

    def lend(self, imports: Mapping[str, Path], outputs: Mapping[tuple[str, str, str | None], Path],
             zones: Path | None = None) -> list[tuple[Path, str]]:
        """Get what is not at hand yet; place and sentence of each that cannot be had.

        ``imports``, ``outputs`` and ``zones`` are those of the settled template.
        """
        refused = [(imports[name], sentence)
                   for name, sentence in self._import(sorted(set(imports) - set(self._imports)))]
        for wanted, place in outputs.items():
            said = None if output_key(*wanted) in self._outputs else self._output_of(*wanted)
            if said is not None:
                refused.append((place, said))
        if zones is not None and not self._zones:
            try:
                self._zones = tuple(self._ask_zones())
            except (CloudFault, errors.HeatException) as error:
                refused.append((zones, f'The zones of the cloud cannot be had: {error}'))
        return refused

    def _output_of(self, stack: str, name: str, region: str | None) -> str | None:
        """Get an output of another stack, or the reason why not."""
        if region not in (None, self._region):
            return (f'The output {name} of stack {stack}: stacks of another region than '
                    f'{self._region} cannot be read ({region}).')
        try:
            self._outputs[output_key(stack, name, region)] = self._output(stack, name)
        except (errors.EntityNotFound, errors.InvalidTenant):
            return f'Stack {stack} could not be found, so it has no output named {name}.'
        except ValueError as error:
            return str(error)
        return None

    def stored(self, keys: Iterable[str]) -> tuple[dict[str, Any], dict[str, str]]:
        """What the parameter store holds by key, and why it can not be had by key."""
        wanted = sorted(set(keys) - set(self._parameters))

        def load(conn: Connection) -> dict[str, Any]:
            found = {key: find(conn, self._tenant, key, self._crypt) for key in wanted}
            return {key: one for key, one in found.items() if one is not None}

        found = connect.reading(self._database, load) if wanted else {}
        refused = {key: f'The parameter store of the project has no parameter {key}.'
                   for key in wanted if key not in found}
        for key, one in found.items():
            if one.kind == 'SecureString':
                # Its value would be shown wherever the parameter is; a dynamic reference is not.
                refused[key] = (f'The parameter {key} is a SecureString, which cannot be the value of a '
                                f'template parameter; use {{{{resolve:ssm-secure:{key}}}}}.')
            else:
                self._parameters[key] = one.value
        return dict(self._parameters), refused

    def _import(self, names: list[str]) -> list[tuple[str, str]]:
        def load(conn: Connection) -> list[exports.Export]:
            return exports.published(conn, self._tenant, self._crypt, names)

        found = {one.name: one.value for one in connect.reading(self._database, load)} if names else {}
        self._imports |= found
        return [(name, f'No export named {name} found.') for name in names if name not in found]

class Stored:
    """The parameter store as steps ask it: by a dynamic reference."""

    def __init__(self, database: Engine, crypt: Cipher) -> None:
        self._database = database
        self._crypt = crypt

    def __call__(self, project_id: str, wanted: Resolve) -> str:
        """The value; CloudFault if there is none, or if it is of the other kind."""
        key = wanted.key if wanted.version is None else f'{wanted.key}:{wanted.version}'

        found = connect.reading(self._database, find, project_id, key, self._crypt)
        if found is None:
            raise CloudFault(404, f'The parameter store of the project has no parameter {key}.',
                             kind='ParameterNotFound')
        secure = found.kind == 'SecureString'
        if secure != (wanted.service == 'ssm-secure'):
            right = 'ssm-secure' if secure else 'ssm'
            raise CloudFault(400, f'The parameter {key} is a {found.kind}; its dynamic reference begins with '
                             f'{right}.', kind='ParameterTypeMismatch')
        return str(found.value)
