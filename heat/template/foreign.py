"""Values from elsewhere: Fn::ImportValue, Fn::GetStackOutput and Fn::GetAZs.

Purpose: nodes that ask the scope for an export or an output of another stack or for the
cloud's zones, and lists of what they will ask. Invariant: an import is known before any resource is, so
its name may not hang on one; without the scope's answer the value is UNKNOWN.
Neighbours: the engine fills ``plan.scope.Facts`` from the lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heat.schema.kinds import UNKNOWN
from heat.template.expr import Constant, Expr, Live, Scope, settled_or_kept
from heat.template.functions import Path

if TYPE_CHECKING:
    from heat.template.compile import Unit

_OUTPUT_KEYS = ('StackName', 'OutputName', 'Region', 'RoleArn')


@dataclass(frozen=True, slots=True)
class Imported(Live):
    """What another stack exports under a name."""

    export: Expr

    def value(self, scope: Scope) -> Any:
        name = self.export.value(scope)
        if name is UNKNOWN:
            return UNKNOWN
        if not isinstance(name, str) or not name:
            raise ValueError('Argument to "Fn::ImportValue" must be the name of an export')
        return scope.budget.read(scope.imported(name))

    def children(self) -> Iterable[Expr]:
        return (self.export,)

    def steps(self) -> tuple[str, ...]:
        return ('Fn::ImportValue',)

    def settle(self, scope: Scope) -> Expr:
        return Imported(self.export.settle(scope))


@dataclass(frozen=True, slots=True)
class StackOutput(Live):
    """An output of another stack; ``region`` is None for this one."""

    stack: Expr
    output: Expr
    region: Expr | None

    def value(self, scope: Scope) -> Any:
        stack, output = self.stack.value(scope), self.output.value(scope)
        region = None if self.region is None else self.region.value(scope)
        if stack is UNKNOWN or output is UNKNOWN or region is UNKNOWN:
            return UNKNOWN
        if not all(isinstance(one, str) and one for one in (stack, output)):
            raise ValueError('"Fn::GetStackOutput" needs a name as StackName and as OutputName')
        return scope.budget.read(scope.stack_output(stack, output, region or None))

    def children(self) -> Iterable[Expr]:
        return (self.stack, self.output) if self.region is None else (self.stack, self.output, self.region)

    def steps(self) -> tuple[str, ...]:
        return ('Fn::GetStackOutput',)

    def settle(self, scope: Scope) -> Expr:
        return StackOutput(self.stack.settle(scope), self.output.settle(scope),
                           None if self.region is None else self.region.settle(scope))


@dataclass(frozen=True, slots=True)
class Zones(Expr):
    """Names of the availability zones; the region asked for makes no difference."""

    region: Expr

    def value(self, scope: Scope) -> Any:
        return scope.zones()

    def children(self) -> Iterable[Expr]:
        return (self.region,)

    def settle(self, scope: Scope) -> Expr:
        return settled_or_kept(self, scope)


def import_value(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if not isinstance(args, (str, dict)) or not args:
        return unit.fault(path, f'Argument to "{name}" must be the name of an export')
    export = unit.node(args, path)
    for ref in sorted(export.refs(), key=lambda ref: ref.resource):
        unit.fault(path, f'The name in "{name}" may not depend on a resource, but names {ref.resource}')
    return Imported(export)


def get_stack_output(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if not isinstance(args, dict) or not {'StackName', 'OutputName'} <= set(args):
        return unit.fault(path, f'Arguments to "{name}" must be of the form '
                                '{StackName: name, OutputName: name, Region: region}')
    for key in args:
        if key not in _OUTPUT_KEYS:
            return unit.unknown((*path, key), f'"{name}" has no argument "{key}"', key, _OUTPUT_KEYS)
    if 'RoleArn' in args:
        unit.warn((*path, 'RoleArn'), 'outputs are read with the rights of the one who owns this stack, '
                                      'in no other role')
    node = {key: unit.node(value, (*path, key)) for key, value in args.items() if key != 'RoleArn'}
    return StackOutput(node['StackName'], node['OutputName'], node.get('Region'))


def export_asked(node: Expr) -> str | None:
    """The name of the export that a node imports, as far as it is known."""
    return _known(node.export) if isinstance(node, Imported) else None


def output_asked(node: Expr) -> tuple[str, str, str | None] | None:
    """``(stack, output, region or None)`` that a node reads, as far as they are known."""
    if not isinstance(node, StackOutput):
        return None
    stack, output = _known(node.stack), _known(node.output)
    region = None if node.region is None else _known(node.region)
    if stack and output and (node.region is None or region is not None):
        return stack, output, region or None
    return None


def _known(node: Expr) -> str | None:
    return node.data if isinstance(node, Constant) and isinstance(node.data, str) else None
