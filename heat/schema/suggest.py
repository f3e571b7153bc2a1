"""Did you mean ...? for misspelt names, as the schema and the template know it.

Purpose: the names of ``common.suggest`` on this floor. Neighbours: ``resolve`` for
properties; anyone with a name.
"""

from __future__ import annotations

from heat.common.suggest import nearest, suggesting, unknown

__all__ = ['nearest', 'suggesting', 'unknown']
