"""Software configurations and deployments: what agents in servers read and answer.

Purpose: the values of both tables, and the changes that a resource's step makes
to them. Invariant: frozen; a configuration never changes; a change may be
applied twice with the same end. Neighbours: ``resources.heat`` makes changes,
``db.software`` stores, ``engine.software`` serves them.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

IN_PROGRESS, COMPLETE, FAILED = 'IN_PROGRESS', 'COMPLETE', 'FAILED'
CANCELLED = 'Deployment cancelled.'
STATUS_CODE = 'deploy_status_code'
BUILT_IN = ('deploy_stdout', 'deploy_stderr', STATUS_CODE)


@dataclass(frozen=True, slots=True)
class SoftwareConfig:
    """``config`` holds the keys inputs, outputs, options and config."""

    id: str
    name: str | None
    group: str | None
    tenant: str
    config: dict[str, Any] = field(default_factory=dict)
    created_at: datetime.datetime | None = None


@dataclass(frozen=True, slots=True)
class SoftwareDeployment:
    """One configuration applied to one server. ``updated_at`` stays None until its first change."""

    id: str
    config_id: str
    server_id: str
    tenant: str
    stack_user_project_id: str | None = None
    input_values: dict[str, Any] = field(default_factory=dict)
    output_values: dict[str, Any] | None = None
    action: str | None = None
    status: str | None = None
    status_reason: str | None = None
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None


# -- changes that a step makes ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PutConfig:
    """The configuration is there."""

    config: SoftwareConfig


@dataclass(frozen=True, slots=True)
class DropConfig:
    """The configuration is gone, unless a deployment refers to it."""

    config_id: str


@dataclass(frozen=True, slots=True)
class Deploy:
    """The deployment has come to this configuration, made for it; the one before goes.

    A deployment that refers to it already is left alone: its server may have answered.
    """

    deployment: SoftwareDeployment
    config: SoftwareConfig


@dataclass(frozen=True, slots=True)
class Abandon:
    """Nobody waits for the deployment any more: FAILED, if it was in progress."""

    deployment_id: str


@dataclass(frozen=True, slots=True)
class Undeploy:
    """The deployment is gone, and the configuration made for it."""

    deployment_id: str


# -- what a server says ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """What became of a deployment. ``event`` is the sentence of its event, empty if there is none."""

    status: str
    reason: str
    outputs: dict[str, Any]
    event: str = ''

    def to_wire(self) -> dict[str, Any]:
        return {'status': self.status, 'reason': self.reason, 'outputs': self.outputs, 'event': self.event}

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Word:
        return cls(str(data['status']), str(data['reason']), dict(data['outputs']), str(data['event']))


@dataclass(frozen=True, slots=True)
class Answered:
    """What a server said of that configuration, if the deployment is in progress with it."""

    deployment_id: str
    config_id: str
    word: Word


Change = PutConfig | DropConfig | Deploy | Abandon | Undeploy | Answered


def word_of(deployment: SoftwareDeployment, config: SoftwareConfig | None,
            details: Mapping[str, Any] | None) -> Word:
    """What the signal ``details`` makes of a deployment in progress.

    A status code that is not zero, or an error output with a value, means FAILED.
    Values are kept of declared outputs and always of the built-in ones.
    """
    given = dict(details or {})
    outputs = dict(deployment.output_values or {})
    reasons: dict[str, Any] = {}
    declared = (config.config.get('outputs') if config is not None else None) or ()
    for output in declared:
        name = output['name']
        if name in given:
            outputs[name] = given[name]
            if output.get('error_output') and given[name]:
                reasons[name] = given[name]
    outputs |= {name: given.get(name) for name in BUILT_IN}
    code = given.get(STATUS_CODE)
    if code is not None and str(code).strip() not in ('', '0'):
        reasons[STATUS_CODE] = f'Deployment exited with non-zero status code: {code}'
    if not reasons:
        return Word(COMPLETE, 'Outputs received', outputs, f'deployment {deployment.id} succeeded')
    said = ', '.join(f'{name} : {value}' for name, value in reasons.items())
    return Word(FAILED, said, outputs, f'deployment {deployment.id} failed ({said})')
