"""Wait conditions of the CloudFormation format, and the handle that is new at each update.

Purpose: a handle is its signed address; who has it may signal. Invariant: a
signal has exactly its four keys; the same UniqueId overwrites. Neighbours:
``heat.wait_condition`` has the waiting, ``api.cfn`` takes the signals in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.model.op import StepFailed
from heat.model.resource import Row
from heat.resources.base import Steps
from heat.resources.heat.wait_condition import FAILURE, SUCCESS, StackUser, WaitCondition, gathered
from heat.schema import IN_PLACE, Attr, Integer, String, Support

KEYS = {'Data', 'Reason', 'Status', 'UniqueId'}


class AWSWaitConditionHandle(StackUser):
    """AWS WaitConditionHandle resource.

    The main point of the WaitConditionHandle is that it has no dependencies,
    so the instance can reference it; its reference is a signed URL.
    """

    type = 'AWS::CloudFormation::WaitConditionHandle'
    title = 'WaitConditionHandle'
    support = Support(version='2014.1')
    signals = True

    def create(self) -> Steps:
        yield from self.create_user()
        yield from self.create_signed('PUT', 'waitcondition', expires=True)

    def delete(self) -> Steps:
        yield from self.delete_user()

    @classmethod
    def reference(cls, row: Row) -> Any:
        return row.data.get('signed_url', row.name)

    @classmethod
    def signal(cls, row: Row, details: Mapping[str, Any] | None) -> tuple[Row, str]:
        given = dict(details or {})
        if set(given) != KEYS:
            raise StepFailed(f'Signal must have the keys {", ".join(sorted(KEYS))} and no others; '
                             f'got {", ".join(sorted(map(str, given))) or "none"}', 'ValueError')
        status, reason = given['Status'], given['Reason']
        if status not in (SUCCESS, FAILURE):
            raise StepFailed(f'Signal has the status {status}, which is neither SUCCESS nor FAILURE',
                             'ValueError')
        told = {'Data': given['Data'], 'Reason': reason, 'Status': status}
        return gathered(row, str(given['UniqueId']), told), f'Signal: status:{status} reason:{reason}'


class UpdateWaitConditionHandle(AWSWaitConditionHandle):
    """WaitConditionHandle that clears signals and changes handle on update.

    This works similarly to an AWS::CloudFormation::WaitConditionHandle, except
    that on update it clears all signals received and changes the handle. Using
    this handle means that you must setup the signal senders to send their
    signals again any time the update handle changes. This allows us to roll
    out new configurations and be confident that they are rolled out once
    UPDATE COMPLETE is reached.
    """

    type = 'OS::Heat::UpdateWaitConditionHandle'
    title = 'UpdateWaitConditionHandle'
    support = Support(version='2014.1')
    renewed = True


class AWSWaitCondition(WaitCondition):
    """WaitCondition of the CloudFormation format.

    It waits until its handle has been signalled often enough, and fails at the
    first failure signal or when the time has run out.
    """

    type = 'AWS::CloudFormation::WaitCondition'
    title = 'WaitCondition'
    support = Support(version='2014.1')

    class properties:
        handle = timeout = count = None
        Handle = String('A reference to the wait condition handle used to signal this wait condition.',
                        required=True)
        Timeout = Integer('The number of seconds to wait for the correct number of signals to arrive.',
                          required=True, range=(1, 43200))
        Count = Integer('The number of success signals that must be received before the stack creation '
                        'process continues.', default=1, range=(1, None), update=IN_PLACE)

    class attributes:
        data = None
        Data = Attr('JSON string containing data associated with wait condition signals sent to the handle.',
                    type='String', live=True)

    @staticmethod
    def spelled(word: str) -> str:
        return word.capitalize()
