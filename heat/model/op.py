"""What a plugin's step may ask of the shell: the yields of its generators.

Purpose: a plugin decides, the shell performs. Invariant: only a mutating
``Call`` or ``UserCall`` touches the world; each is preceded by a durable intent
and its result is journaled, so a re-run generator is fed what already happened.
Neighbours: ``resources`` yield these, ``engine.step`` interprets them,
``clouds`` carries out the calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from heat.model import software, watch

Shelved = software.Change | watch.Change


@dataclass(frozen=True, slots=True)
class Adopt:
    """How to find what a call made when its answer was lost.

    ``path``/``query`` list candidates under ``key`` (plural); ``match`` tells
    whether one of them is ours. ``id`` alone (a path) means: get exactly that.
    ``service`` is where to look, if it is not the service that was called.
    """

    path: str
    key: str | None
    match: Callable[[dict[str, Any]], bool]
    query: dict[str, Any] = field(default_factory=dict)
    service: str = ''


@dataclass(frozen=True, slots=True)
class Account:
    """A user in the domain of stack users, in its project."""

    user_id: str
    password: str = field(repr=False)
    project_id: str


@dataclass(frozen=True, slots=True)
class Site:
    """Another region, another cloud or another project, that a call goes to.

    ``secret`` names a secret of the stack's own key manager that holds the credential
    for it: read for each call, kept nowhere. Without one the stack's credential counts,
    or that of ``account``, which serves this cloud only.
    ``ca_cert`` (PEM) and ``insecure`` are for the connections there only.
    """

    region: str = ''
    secret: str = ''
    ca_cert: str = ''
    insecure: bool = False
    account: Account | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a service. The yield's value is the answer's body.

    ``service`` is a row of ``clouds.catalog``; ``path`` is below its endpoint.
    ``ok`` lists error statuses that count as success and give None (404 on a
    delete). ``identify`` is a dotted path into the body; what stands there
    becomes the row's physical id in the same commit. ``unwrap`` is a dotted path to
    the object in the body (``workflows.0`` is the first of a list). ``label`` names the call in the
    journal (encrypted at rest), in logs and in failpoints. ``as_user`` 'service'
    uses the daemon's own credential. ``at`` is where the service is, if not here.
    ``header`` names a header of the answer that is the value instead, '' if it has none;
    '*' gives all of them, by their names in lower case. ``encoded`` gives the answer's
    content as base64, whatever it is. ``changes`` marks a GET that changes something all
    the same, and may be said twice. ``for_now`` tells of a refusal that nothing was begun
    and that the same may be asked again later: such a refusal is not journaled.
    """

    service: str
    method: str
    path: str
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    ok: tuple[int, ...] = ()
    unwrap: str | None = None
    identify: str | None = None
    label: str = ''
    adopt: Adopt | None = None
    as_user: str = 'stack'
    at: Site | None = None
    header: str = ''
    encoded: bool = False
    changes: bool = False
    for_now: Callable[[CloudFault], bool] | None = None

    @property
    def mutating(self) -> bool:
        return self.changes or self.method not in ('GET', 'HEAD')

    @property
    def makes(self) -> bool:
        """Whether it may make one thing more each time it is said."""
        return self.method == 'POST' and (self.adopt is not None or bool(self.identify))


@dataclass(frozen=True, slots=True)
class UserCall:
    """An action in the stack-user domain, done with the domain admin's credential.

    ``verb`` is one of ``create_project create_user create_keypair delete_user delete_keypair
    suspend_user resume_user token delete_project``; ``args`` are its arguments.
    """

    verb: str
    args: dict[str, Any] = field(default_factory=dict)
    label: str = ''

    @property
    def mutating(self) -> bool:
        return self.verb != 'token'


@dataclass(frozen=True, slots=True)
class Poll:
    """Wait until an object is ready; the yield's value is its body.

    The object ``id`` is looked for in pages of ``list_path`` (one listing serves
    all who wait) or fetched from ``path``. ``judge`` maps the body, or None if
    the object is gone, to True (go on), False (wait) or a Failed sentence (str). After
    ``deadline`` (wall seconds) the step fails with the sentence ``late``; ``at`` as in Call.
    ``in_turn``: of those who wait for the same object, one goes on at each look, since what
    it does then makes the others wait again.
    """

    service: str
    path: str
    id: str
    judge: Callable[[dict[str, Any] | None], bool | str]
    unwrap: str | None = None
    list_path: str | None = None
    list_key: str | None = None
    interval: float = 0.2
    max_interval: float = 5.0
    deadline: float | None = None
    late: str = ''
    at: Site | None = None
    in_turn: bool = False


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for ``seconds`` counted from the first time the step came here."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AwaitSignals:
    """Wait until ``judge`` accepts the signals kept by the resource ``reference``.

    An empty ``reference`` means the signals that the row itself was sent.
    ``judge`` maps the handle's metadata to True, False or a failure sentence.
    After ``timeout`` seconds, counted from the first time, ``expired`` of the
    same metadata gives the failure's sentence. The value is the metadata; failures
    are called ``kind`` with Failure or Timeout behind it.
    """

    reference: str
    timeout: float
    judge: Callable[[dict[str, Any]], bool | str]
    expired: Callable[[dict[str, Any]], str]
    kind: str = 'WaitCondition'


@dataclass(frozen=True, slots=True)
class AwaitWord:
    """Wait until ``judge`` accepts the row's own private data, which signals change.

    The value is that data. There is no time limit but the stack's.
    """

    judge: Callable[[dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Record:
    """Change what is kept on the row: private ``data``, ``metadata`` or the physical id.

    ``stack_user_project`` becomes that of the whole stack tree.
    """

    data: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    physical_id: str | None = None
    attrs: dict[str, Any] | None = None
    stack_user_project: str | None = None


@dataclass(frozen=True, slots=True)
class Find:
    """Look up a name: ``kind`` as in ``is_a`` (``neutron.network``); the value is the id."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Resolve:
    """The text that a dynamic reference of a template stands for; never kept, never shown.

    ``service`` is 'ssm' or 'ssm-secure' (the parameter store of the project) or
    'secretsmanager' (the key manager); the rest as in ``template.dynamic``.
    """

    service: str
    key: str
    version: str | None = None
    member: str | None = None
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where ``service`` is for the stack's project: the URL below which a Call's path would lie."""

    service: str


@dataclass(frozen=True, slots=True)
class ReadConfig:
    """The software configuration of that id, if the stack's project has it; else None.

    The value is a ``model.software.SoftwareConfig``.
    """

    config_id: str


@dataclass(frozen=True, slots=True)
class ReadWatch:
    """The resource that the watch rule of that name in the stack's project belongs to.

    The value is the uuid of its row; None if there is no such rule, or no stack has it.
    """

    name: str


@dataclass(frozen=True, slots=True)
class ReadRow:
    """The row of the same stack that ``reference`` stands for, as it is now, or None.

    With ``named`` it is the resource's name.
    """

    reference: str
    named: bool = False


@dataclass(frozen=True, slots=True)
class Tell:
    """Let a server know what is deployed on it, if it does not ask.

    It is done after the commit, and again by a step that is re-run.
    """

    server_id: str


@dataclass(frozen=True, slots=True)
class Shelve:
    """Change software configurations, deployments and watch rules, in the commit that saves the row."""

    changes: tuple[Shelved, ...]


Op = (Call | UserCall | Find | Poll | Sleep | AwaitSignals | AwaitWord | Record | ReadConfig | ReadRow
      | ReadWatch | Shelve | Tell | Endpoint)


class CloudFault(Exception):
    """A service's refusal, thrown into the generator that yielded the call.

    ``status`` 0 means no answer. ``message`` is the service's own words,
    ``request_id`` the id under which its log has more.
    """

    def __init__(self, status: int, message: str, service: str = '', request_id: str = '',
                 kind: str = '') -> None:
        self.status = status
        self.message = message
        self.service = service
        self.request_id = request_id
        self.kind = kind or f'{service or "Cloud"}Error'
        super().__init__(self.text())

    def text(self) -> str:
        tail = f' (HTTP {self.status})' if self.status else ''
        if self.request_id:
            tail += f' (Request-ID: {self.request_id})'
        return f'{self.message}{tail}'

    def to_wire(self) -> dict[str, Any]:
        """As the journal keeps it; ``CloudFault(**...)`` makes it again."""
        return {'status': self.status, 'message': self.message, 'service': self.service,
                'request_id': self.request_id, 'kind': self.kind}


class StepFailed(Exception):
    """Raised by a plugin to end its step as failed; ``kind`` names the error class."""

    def __init__(self, message: str, kind: str = 'Error') -> None:
        self.message = message
        self.kind = kind
        super().__init__(message)


class NeedsReplacement(Exception):
    """Raised by a plugin's update when only a new resource will do."""
