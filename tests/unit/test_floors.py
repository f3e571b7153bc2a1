"""The floors of heat/ARCHITECTURE.rst: which module may import which, kept true by reading the source.

Imports under TYPE_CHECKING do not count, those inside functions do, except when looking for cycles.
"""

from __future__ import annotations

import ast
import graphlib
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOOR = {'common': 0, 'model': 1, 'schema': 2, 'template': 2, 'plan': 3, 'db': 4, 'clouds': 4, 'bus': 4,
         'resources': 5, 'engine': 6, 'api': 6, 'wsgi': 7, 'cmd': 7}
# The one arrow between rooms of a floor: templates are checked against schemas.
SIDEWAYS = {('template', 'schema')}
# Rooms that see less than what lies below them.
ONLY = {'api': {'bus', 'model', 'common', 'template.load'}, 'simcloud': {'common'},
        'resources': {'plan', 'template', 'schema', 'model', 'common'}}
# Who may see the simulated cloud.
SIMCLOUD_USERS = {'cmd.all', 'cmd.own_conf'}
PURE = ('template', 'schema', 'plan')
PURE_MAY = {'yaml', 'yaql', 'croniter', 'netaddr'}
# Packages with one importer.
SOLE = {'eventlet': 'common.green', 'oslo_messaging': 'bus.transport', 'yaml': 'template.load'}
MAX_LINES, MAX_DOCSTRING = 600, 12

PACKAGE = ROOT / 'heat'
FILES = {'.'.join(path.relative_to(PACKAGE).with_suffix('').parts).removesuffix('__init__').rstrip('.'): path
         for path in sorted(PACKAGE.rglob('*.py'))}
MODULES = [pytest.param(name, id=name or 'heat') for name in FILES]


def imported(name: str, top_only: bool = False) -> set[str]:
    """Dotted names of all modules that module ``name`` imports."""
    found: set[str] = set()
    waiting: list[ast.AST] = [tree(name)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f'{name}: relative import'
            within = (node.module or '').removeprefix('heat').lstrip('.')
            for alias in node.names:
                inner = f'{within}.{alias.name}'.lstrip('.')
                ours = (node.module or '').split('.')[0] == 'heat' and inner in FILES
                found.add(f'heat.{inner}' if ours else node.module or '')
        elif not (top_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            waiting += ast.iter_child_nodes(node)
    return found


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(FILES[name].read_text())


def ours(name: str, top_only: bool = False) -> set[str]:
    return {one.removeprefix('heat.') for one in imported(name, top_only) if one.startswith('heat.')}


def allowed(name: str, target: str) -> bool:
    """Whether the module ``name`` may import our module ``target``."""
    room, other = name.split('.')[0], target.split('.')[0]
    if room == other or not room or target == 'version':
        return True
    if other == 'simcloud':
        return name in SIMCLOUD_USERS
    if room in ONLY:
        return any(target == one or target.startswith(f'{one}.') for one in ONLY[room])
    return FLOOR[other] < FLOOR[room] or (room, other) in SIDEWAYS


@pytest.mark.parametrize('name', MODULES)
def test_arrows_point_down(name: str) -> None:
    assert {target for target in ours(name) if not allowed(name, target)} == set()


@pytest.mark.parametrize('name', MODULES)
def test_third_party_packages_are_where_they_belong(name: str) -> None:
    packages = {one.split('.')[0] for one in imported(name)} - {'heat'}
    strange = {one for one in packages if one in SOLE and SOLE[one] != name}
    if name.split('.')[0] in PURE:
        strange |= packages - PURE_MAY - sys.stdlib_module_names
    assert strange == set()


def test_no_module_imports_itself_by_way_of_others() -> None:
    arrows = {name: {target for target in ours(name, top_only=True) if target in FILES} for name in FILES}
    graphlib.TopologicalSorter(arrows).prepare()


@pytest.mark.parametrize('name', MODULES)
def test_a_file_can_be_read_in_one_sitting(name: str) -> None:
    assert FILES[name].read_text().count('\n') <= MAX_LINES
    if not tree(name).body:
        return
    docstring = ast.get_docstring(tree(name), clean=False)
    assert docstring, 'no module docstring'
    assert docstring.strip().count('\n') < MAX_DOCSTRING


def test_the_rules_see_what_they_forbid() -> None:
    assert not allowed('api.rest.stacks', 'engine.app') and not allowed('api.rest.stacks', 'template.hot')
    assert not allowed('db.stacks', 'bus.wire') and not allowed('schema.kinds', 'template.load')
    assert not allowed('engine.loop', 'simcloud.server') and not allowed('model.stack', 'db.stacks')
    assert allowed('template.hot', 'schema.kinds') and allowed('cmd.all', 'simcloud.server')
