"""Any exception as one of the errors that an API of AWS has codes for.

Purpose: what CloudFormation and CloudWatch mean by a fault, and how its code is found.
Invariant: a text that is not marked safe never reaches the wire; whose fault an error is,
``api.faults`` knows. Neighbours: ``api.cfn.faults`` and ``api.cloudwatch.faults`` have the codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import webob.exc

from heat.api import faults
from heat.common import errors

INTERNAL = 'The request processing has failed because of an internal error.'


class Fault(Exception):
    """An error of an API's own code with the sentence that the caller reads."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Codes:
    """Where an API finds the code of an error: by its nearest class, else by the orchestration API's status.

    ``refused`` is the code of what else the caller is to blame for, ``internal`` that of the rest.
    """

    by_class: Mapping[str, str]
    by_status: Mapping[int, str]
    refused: str
    internal: str

    def fault_of(self, error: BaseException) -> Fault:
        """Any exception as a fault."""
        if isinstance(error, Fault):
            return error
        message = faults.message_of(error)
        for cls in type(error).__mro__:
            if cls.__name__ in self.by_class:
                return Fault(self.by_class[cls.__name__], message or cls.__name__)
        if isinstance(error, errors.HeatException | webob.exc.HTTPException) or message is not None:
            status = faults.status_of(error)
            code = self.by_status.get(status, self.refused if 400 <= status < 500 else None)
            if code is not None:
                return Fault(code, message or ('User is not authorized to perform action' if status == 403
                                               else 'The request is not valid.'))
        return Fault(self.internal, INTERNAL)
