"""What the log has of a request that the service failed, whichever protocol answers it.

Purpose: ``note``. Invariant: what says it all in a sentence, that no engine answered or that it has
no database, brings no traceback of our own, which would look like a fault of the program.
Neighbours: ``faults``, ``aws``, ``cfn.faults`` and ``cfn.ssm`` note what they answer with a status of
500 and above.
"""

from __future__ import annotations

import logging

from heat.bus.wire import NoReply
from heat.common.errors import DatabaseUnavailable

LOG = logging.getLogger(__name__)


def note(asked: str, error: BaseException) -> None:
    """``asked`` is the request as a reader knows it, such as method and path."""
    if isinstance(error, NoReply | DatabaseUnavailable):
        LOG.error('%s failed: %s', asked, error)
    else:
        LOG.error('%s failed', asked, exc_info=error)
