"""CloudFormation's words for the states of stacks and resources.

Purpose: action and status of the engine -> the statuses AWS has, and back for
filters. Invariant: this is the only place that knows both; whatever the engine
says has a word here. Neighbours: ``shapes`` shows, ``stacks`` filters. What AWS
calls clean-up is a part of the update here, so ``*_CLEANUP_IN_PROGRESS`` is
never said; an action AWS does not have is shown as an update.
"""

from __future__ import annotations

from collections.abc import Iterable

ACTIONS = {'SUSPEND': 'UPDATE', 'RESUME': 'UPDATE', 'CHECK': 'UPDATE', 'SNAPSHOT': 'UPDATE',
           'RESTORE': 'UPDATE', 'ADOPT': 'IMPORT'}
STATUSES = ('IN_PROGRESS', 'COMPLETE', 'FAILED')
AFTER_UPDATE = 'UPDATE_ROLLBACK'
# Glued forms that do not follow from the parts.
STACKS = {'INIT_IN_PROGRESS': 'REVIEW_IN_PROGRESS', 'INIT_COMPLETE': 'REVIEW_IN_PROGRESS',
          'INIT_FAILED': 'CREATE_FAILED', 'IMPORT_FAILED': 'IMPORT_ROLLBACK_FAILED'}
RESOURCES = {'INIT_IN_PROGRESS': 'CREATE_IN_PROGRESS', 'INIT_COMPLETE': 'CREATE_IN_PROGRESS',
             'INIT_FAILED': 'CREATE_FAILED', 'SIGNAL_COMPLETE': 'CREATE_IN_PROGRESS',
             'SIGNAL_FAILED': 'CREATE_FAILED'}
ENGINE_ACTIONS = ('INIT', 'CREATE', 'UPDATE', 'DELETE', 'ROLLBACK', *ACTIONS)
# What AWS has and this service never says: a filter may name them all the same.
NEVER = frozenset((
    'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
    'IMPORT_ROLLBACK_IN_PROGRESS', 'IMPORT_ROLLBACK_COMPLETE'))


def of_stack(action: str, status: str, back_from: str = 'CREATE') -> str:
    """The status of a stack; ``back_from`` is what a ROLLBACK takes back: CREATE or UPDATE."""
    if action == 'ROLLBACK' and back_from == 'UPDATE':
        return f'{AFTER_UPDATE}_{status}'
    glued = f'{ACTIONS.get(action, action)}_{status}'
    return STACKS.get(glued, glued)


def of_resource(action: str, status: str) -> str:
    glued = f'{ACTIONS.get(action, action)}_{status}'
    return RESOURCES.get(glued, glued)


# The action of a goal -> what AWS calls the operation; an action that it does not have changes the stack.
OPERATION_TYPES = {'CREATE': 'CREATE_STACK', 'ADOPT': 'CREATE_STACK', 'DELETE': 'DELETE_STACK',
                   'ROLLBACK': 'ROLLBACK'}
OPERATIONS = {'IN_PROGRESS': 'IN_PROGRESS', 'COMPLETE': 'SUCCEEDED', 'FAILED': 'FAILED'}


def operation(action: str) -> str:
    return OPERATION_TYPES.get(action, 'UPDATE_STACK')


ALL = frozenset(of_stack(action, status, back) for action in ENGINE_ACTIONS for status in STATUSES
                for back in ('CREATE', 'UPDATE')) | NEVER


def wider(wanted: Iterable[str]) -> list[str]:
    """The engine's glued states that may be shown as one of ``wanted``."""
    sought = set(wanted)
    return [f'{action}_{status}' for action in ENGINE_ACTIONS for status in STATUSES
            if {of_stack(action, status), of_stack(action, status, 'UPDATE')} & sought]
