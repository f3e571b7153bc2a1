"""Actions on exports: list them, and the stacks that import one.

Purpose: one function per action. Neighbours: ``actions`` names these functions; the
engine's ``offers`` knows.
"""

from __future__ import annotations

from typing import Any

from heat.api.cfn import paging, shapes
from heat.api.cfn.faults import refused
from heat.api.cfn.query import Query
from heat.api.cfn.render import Loose
from heat.common import errors

PAGE = 100


def list_exports(query: Query) -> dict[str, Any]:
    """ListExports, in order of name."""
    marker = paging.marker(query.action, query.get('NextToken'))
    rows = query.engine('list_exports', marker=marker, limit=PAGE)
    return {'Exports': [{'ExportingStackId': shapes.arn(row['stack_identity']), 'Name': row['name'],
                         'Value': Loose(row['value'])} for row in rows],
            'NextToken': paging.token(query.action, rows[-1]['name']) if len(rows) == PAGE else None}


def list_imports(query: Query) -> dict[str, Any]:
    """ListImports, in order of name. An export that nobody imports is an error in AWS's words."""
    name = query.get('ExportName')
    request = [query.action, name]
    after = paging.marker(request, query.get('NextToken')) or ''
    try:
        found = query.engine('list_imports', name=name)
    except errors.NotFound as error:
        raise refused(str(error)) from error
    if not found:
        raise refused(f"Export '{name}' is not imported by any stack.")
    names = [one for one in sorted(set(found)) if one > after]
    return {'Imports': names[:PAGE],
            'NextToken': paging.token(request, names[PAGE - 1]) if len(names) > PAGE else None}
