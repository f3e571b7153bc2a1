"""Metadata as compute and block storage take it: text only.

Purpose: one function. Invariant: pure. Neighbours: ``server``, ``cinder``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def text_values(values: Mapping[str, Any]) -> dict[str, str]:
    """Metadata as the services take it: text only; the rest as JSON."""
    return {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
