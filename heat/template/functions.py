"""The functions of HOT templates, as compiled nodes.

Purpose: for each function and each variant of it a builder
``build(unit, name, args, path) -> Expr``. Invariant: a builder checks the shape of
its arguments as far as they are literal and reports through ``unit.fault``; what
hangs on values is checked when evaluated (ValueError, TypeError).
Neighbours: ``compile`` (the unit), ``versions`` (which version has which variant),
``functions_cfn`` (Fn::*), ``functions_text`` and ``functions_data`` (the plain rules).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heat.common import errors
from heat.schema.kinds import UNKNOWN
from heat.template import functions_data as data
from heat.template import functions_text as text
from heat.template.expr import (
    NOTHING,
    OMITTED,
    Apply,
    Constant,
    Expr,
    Live,
    Ref,
    Scope,
    Walked,
    settled_or_kept,
    unknown_inside,
)

if TYPE_CHECKING:
    from heat.template.compile import Unit

Path = tuple[Any, ...]
Builder = Callable[['Unit', str, Any, Path], Expr]


@dataclass(frozen=True, slots=True)
class GetParam(Expr):
    """A parameter, then a walk along ``path``; a step that is not there gives ''."""

    name: Expr
    path: tuple[Expr, ...] = ()

    def value(self, scope: Scope) -> Any:
        name = self.name.value(scope)
        if name is UNKNOWN:
            return UNKNOWN
        if not isinstance(name, str):
            raise TypeError('Argument to "get_param" must be string or list')
        found = walk(scope.parameter(name), [step.value(scope) for step in self.path], '')
        return scope.budget.read(found)

    def children(self) -> Iterable[Expr]:
        return (self.name, *self.path)

    def own_parameters(self) -> Iterable[str]:
        name = self.name.data if isinstance(self.name, Constant) else None
        return (name,) if isinstance(name, str) else ()

    def settle(self, scope: Scope) -> Expr:
        return settled_or_kept(
            GetParam(self.name.settle(scope), tuple(p.settle(scope) for p in self.path)), scope)


@dataclass(frozen=True, slots=True)
class GetResource(Live):
    """The reference id of a resource."""

    resource: Expr

    def value(self, scope: Scope) -> Any:
        name = self.resource.value(scope)
        return UNKNOWN if name is UNKNOWN else scope.reference(name)

    def children(self) -> Iterable[Expr]:
        return (self.resource,)

    def own_refs(self) -> Iterable[Ref]:
        name = self.resource.data if isinstance(self.resource, Constant) else None
        return (Ref(name, kind='reference'),) if isinstance(name, str) else ()

    def settle(self, scope: Scope) -> Expr:
        return GetResource(self.resource.settle(scope))


@dataclass(frozen=True, slots=True)
class GetAttr(Live):
    """An attribute, then a walk along ``path``; a step that is not there gives None."""

    name: str
    resource: Expr
    attribute: Expr | None
    path: tuple[Expr, ...] = ()

    def value(self, scope: Scope) -> Any:
        resource = self.resource.value(scope)
        attribute = None if self.attribute is None else self.attribute.value(scope)
        path = [step.value(scope) for step in self.path]
        if resource is UNKNOWN or attribute is UNKNOWN or unknown_inside(path):
            return UNKNOWN
        found = scope.attribute(resource, attribute, tuple(path))
        return scope.budget.read(found.value if isinstance(found, Walked) else walk(found, path, None))

    def children(self) -> Iterable[Expr]:
        head = (self.resource,) if self.attribute is None else (self.resource, self.attribute)
        return (*head, *self.path)

    def own_refs(self) -> Iterable[Ref]:
        resource = self.resource.data if isinstance(self.resource, Constant) else None
        if not isinstance(resource, str):
            return ()
        # An attribute whose name is not known yet may be any of them.
        attribute = self.attribute.data if isinstance(self.attribute, Constant) else None
        path = []
        for step in self.path:
            if not isinstance(step, Constant) or not isinstance(step.data, (str, int)):
                break
            path.append(step.data)
        return (Ref(resource, attribute if isinstance(attribute, str) else None, tuple(path)),)

    def settle(self, scope: Scope) -> Expr:
        return GetAttr(self.name, self.resource.settle(scope),
                       None if self.attribute is None else self.attribute.settle(scope),
                       tuple(step.settle(scope) for step in self.path))


@dataclass(frozen=True, slots=True)
class GetFile(Expr):
    """Content of an entry of ``files``."""

    file: Expr

    def value(self, scope: Scope) -> Any:
        name = self.file.value(scope)
        if name is UNKNOWN:
            return UNKNOWN
        if not isinstance(name, str):
            raise TypeError('Argument to "get_file" must be a string')
        try:
            return scope.budget.read(scope.file(name))
        except KeyError:
            raise ValueError(f'No content found in the "files" section for get_file path: {name}') from None

    def children(self) -> Iterable[Expr]:
        return (self.file,)

    def settle(self, scope: Scope) -> Expr:
        return settled_or_kept(GetFile(self.file.settle(scope)), scope)


@dataclass(frozen=True, slots=True)
class If(Expr):
    """One of two branches; without ``otherwise`` a false condition omits the item."""

    condition: Expr
    then: Expr
    otherwise: Expr | None

    def value(self, scope: Scope) -> Any:
        chosen = self.condition.value(scope)
        if chosen is UNKNOWN:
            return UNKNOWN
        if chosen:
            return self.then.value(scope)
        return OMITTED if self.otherwise is None else self.otherwise.value(scope)

    def children(self) -> Iterable[Expr]:
        branches = (self.condition, self.then)
        return branches if self.otherwise is None else (*branches, self.otherwise)

    def settle(self, scope: Scope) -> Expr:
        try:
            chosen = self.condition.value(scope)
        except (ValueError, TypeError):
            # It says what is wrong when it is evaluated.
            return self
        if chosen is UNKNOWN:
            return If(self.condition, self.then.settle(scope),
                      None if self.otherwise is None else self.otherwise.settle(scope))
        if chosen:
            return self.then.settle(scope)
        return Constant(OMITTED) if self.otherwise is None else self.otherwise.settle(scope)


@dataclass(frozen=True, slots=True)
class Facade(Live):
    """Data of the resource in the parent template that this stack stands for."""

    kind: str

    def value(self, scope: Scope) -> Any:
        return scope.budget.read(scope.facade(self.kind))

    def settle(self, scope: Scope) -> Expr:
        return self


def walk(value: Any, path: list[Any], missing: Any) -> Any:
    """The part of ``value`` at ``path``, ``missing`` if there is none."""
    for step in path:
        if value is UNKNOWN or step is UNKNOWN:
            return UNKNOWN
        if isinstance(value, dict):
            if step not in value:
                return missing
            value = value[step]
        elif isinstance(value, (list, tuple)):
            try:
                value = value[int(step)]
            except (ValueError, TypeError, IndexError):
                return missing
        else:
            return missing
    return value


def get_param(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if isinstance(args, list) and args:
        nodes = [unit.node(arg, (*path, i)) for i, arg in enumerate(args)]
        return GetParam(nodes[0], tuple(nodes[1:]))
    if isinstance(args, (str, dict)) and args:
        return GetParam(unit.node(args, path))
    return unit.fault(path, f'Argument to "{name}" must be string or list')


def get_resource(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if not isinstance(args, (str, dict)):
        return unit.fault(path, f'Argument to "{name}" must be a resource name')
    return GetResource(unit.node(args, path))


def get_attr(least: int, form: str) -> Builder:
    """``least`` is how many arguments are needed at least, ``form`` how they should look."""

    def build(unit: Unit, name: str, args: Any, path: Path) -> Expr:
        if not isinstance(args, list) or len(args) < least:
            return unit.fault(path, form % name)
        nodes = [unit.node(arg, (*path, i)) for i, arg in enumerate(args)]
        return GetAttr(name, nodes[0], nodes[1] if len(nodes) > 1 else None, tuple(nodes[2:]))

    return build


def get_file(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if not isinstance(args, (str, dict)):
        return unit.fault(path, f'Argument to "{name}" must be a string')
    return GetFile(unit.node(args, path))


def resource_facade(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    kinds = {'metadata': 'metadata', 'deletion_policy': 'deletion_policy', 'update_policy': 'update_policy'}
    if name == 'Fn::ResourceFacade':
        kinds = {'Metadata': 'metadata', 'DeletionPolicy': 'deletion_policy', 'UpdatePolicy': 'update_policy'}
    if not isinstance(args, str) or args not in kinds:
        return unit.fault(path, f'Incorrect arguments to "{name}" should be one of: {", ".join(kinds)}',
                          name=args, known=kinds)
    return Facade(kinds[args])


def choice(else_needed: bool) -> Builder:
    def build(unit: Unit, name: str, args: Any, path: Path) -> Expr:
        form = f'Arguments to "{name}" must be of the form: [condition_name, value_if_true, value_if_false]'
        if not isinstance(args, list) or len(args) not in ((3,) if else_needed else (2, 3)):
            return unit.fault(path, form)
        return If(unit.condition(args[0], path), unit.node(args[1], (*path, 1)),
                  unit.node(args[2], (*path, 2)) if len(args) == 3 else None)

    return build


def over(rule: Callable[[str, Any], Any], check: Callable[[str, Any], str | None] | None = None,
         shallow: bool = False) -> Builder:
    """A builder for a function of evaluated arguments.

    ``rule(name, args)`` gives the value; ``check(name, args)`` names what is wrong
    with the shape of literal arguments, None if nothing is.
    """

    def build(unit: Unit, name: str, args: Any, path: Path) -> Expr:
        problem = check(name, args) if check else None
        if problem is not None:
            return unit.fault(path, problem)
        return Apply(name, unit.node(args, path), lambda value: rule(name, value), shallow)

    return build


def removed(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    """A function of an earlier version that this one refuses."""
    refusal = errors.InvalidTemplateVersion(
        explanation=f'The function {name} is not supported in this version of HOT.')
    return unit.fault(path, str(refusal)) or NOTHING


_ATTR_STRICT = 'Arguments to "%s" must be of the form [resource_name, attribute, (path), ...]'
_ATTR_LOOSE = ('Arguments to "%s" can be of the next forms: [resource_name] or '
               '[resource_name, attribute, (path), ...]')

# name -> first version of a variant -> builder; ``versions`` tells who uses which.
BUILDERS: dict[str, dict[str, Builder]] = {
    'contains': {'2017-09-01': over(data.contains, data.contains_shape)},
    'digest': {'2015-04-30': over(text.digest, text.digest_shape)},
    'filter': {'2017-02-24': over(data.filtered, data.filter_shape)},
    'get_attr': {'2013-05-23': get_attr(2, _ATTR_STRICT), '2014-10-16': get_attr(2, _ATTR_STRICT),
                 '2015-10-15': get_attr(1, _ATTR_LOOSE)},
    'get_file': {'2013-05-23': get_file},
    'get_param': {'2013-05-23': get_param},
    'get_resource': {'2013-05-23': get_resource},
    'if': {'2016-10-14': choice(True), '2021-04-16': choice(False)},
    'list_concat': {'2017-09-01': over(data.list_concat, shallow=True)},
    'list_concat_unique': {'2017-09-01': over(data.list_concat_unique)},
    'list_join': {'2013-05-23': over(text.join_strings, text.join_shape),
                  '2015-10-15': over(text.list_join, text.list_join_shape)},
    'make_url': {'2017-09-01': over(text.make_url, text.make_url_shape)},
    'map_merge': {'2016-04-08': over(data.map_merge, shallow=True)},
    'map_replace': {'2016-10-14': over(data.map_replace)},
    'repeat': {'2015-04-30': over(data.repeat(maps=False, permutations=False), data.repeat_shape(False)),
               '2016-10-14': over(data.repeat(maps=True, permutations=False), data.repeat_shape(False)),
               '2017-09-01': over(data.repeat(maps=True, permutations=True), data.repeat_shape(True))},
    'resource_facade': {'2013-05-23': resource_facade},
    'str_replace': {'2013-05-23': over(text.str_replace(as_json=False), text.str_replace_shape),
                    '2015-10-15': over(text.str_replace(), text.str_replace_shape)},
    'str_replace_strict': {'2017-02-24': over(text.str_replace(strict=True), text.str_replace_shape)},
    'str_replace_vstrict': {'2017-09-01': over(text.str_replace(strict=True, filled=True),
                                               text.str_replace_shape)},
    'str_split': {'2015-10-15': over(text.str_split, text.str_split_shape)},
    'yaql': {'2016-10-14': over(data.yaql_value, data.yaql_shape)},
}
