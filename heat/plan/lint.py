"""What is allowed in a template and yet hardly meant: warnings with codes.

Purpose: ``RULES`` is the list of rules, ``lint`` applies them to a checked template.
Invariant: pure; a rule yields ``(message, path)`` and never guesses about what could not
be compiled. Neighbours: ``checked`` holds errors, ``template.findings`` silences warnings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from heat.common import errors
from heat.plan.checked import Checked
from heat.schema.kinds import ABSENT, UNKNOWN, Property
from heat.schema.parameters import ParameterSchema
from heat.schema.support import Support
from heat.template import cfn, hot
from heat.template.compile import Condition
from heat.template.definition import ConditionScope, Template, located
from heat.template.expr import Constant, Expr, NullScope, Ref, Scope
from heat.template.findings import Finding, Path
from heat.template.functions import GetParam, If
from heat.template.places import calls_of
from heat.template.sections import Words
from heat.template.versions import HOT_KEY

_SECRET = re.compile(
    r'passw(or)?d|passphrase|secret|credential|private_?key|api_?key|(auth|access)_?token', re.I)
_NO_SECRET = re.compile(r'(length|size|name|type|policy|id|enabled?|file|path|url|href)\Z', re.I)
# Types that hold what nobody can make again.
_DATA = frozenset({
    'AWS::EC2::Volume', 'AWS::RDS::DBInstance', 'AWS::S3::Bucket', 'OS::Barbican::Order',
    'OS::Cinder::Volume', 'OS::Manila::Share', 'OS::Swift::Container', 'OS::Trove::Cluster',
    'OS::Trove::Instance'})
_OLD = ('DEPRECATED', 'UNSUPPORTED', 'HIDDEN')

def words_of(tree: Mapping[str, Any]) -> Words:
    """The spelling that a template uses."""
    return hot.WORDS if HOT_KEY in tree else cfn.WORDS


def word(words: Words, place: str) -> str:
    """How ``words`` spell the place of a definition's part, also one that they do not list."""
    return str(getattr(words, place, '') or ''.join(part.title() for part in place.split('_')))


Said = Iterator[tuple[str, Path]]


class _Read:
    """A template with what several rules ask."""

    def __init__(self, checked: Checked, template: Template) -> None:
        self.checked = checked
        self.template = template
        self.tree: Mapping[str, Any] = checked.bundle.tree or {}
        self.words: Words = words_of(self.tree)
        # What is declared badly is told as an error.
        self.parameters = {name: one for name, one in template.parameters.items()
                           if one.default is not UNKNOWN}

    def parts(self) -> Iterator[tuple[Expr, Path]]:
        """Every expression of the template with its place."""
        template, words = self.template, self.words
        for name, one in template.resources.items():
            here = (words.resources, name)
            for place, part in one.parts():
                yield part, (*here, word(words, place))
            if one.condition is not None:
                yield one.condition, (*here, words.condition)
            if one.deletion_policy_from is not None:
                yield one.deletion_policy_from, (*here, words.deletion_policy)
        for name, output in template.outputs.items():
            yield output.value, (words.outputs, name, words.value)
            if output.condition is not None:
                yield output.condition, (words.outputs, name, words.condition)
        for name, condition in template.conditions.items():
            yield condition, (words.conditions, name)

    def written(self, name: str) -> Mapping[str, Any]:
        """A resource as it is written; nothing if a macro has made it."""
        section = self.tree.get(self.words.resources)
        data = section.get(name) if isinstance(section, Mapping) else None
        return data if isinstance(data, Mapping) else {}

    def mentions(self, tree: Any, found: set[str]) -> set[str]:
        """Every text in plain data, for what no expression shows."""
        if isinstance(tree, str):
            found.add(tree)
        elif isinstance(tree, Mapping):
            for value in tree.values():
                self.mentions(value, found)
        elif isinstance(tree, list):
            for value in tree:
                self.mentions(value, found)
        return found

    def broken(self) -> bool:
        """Whether parts are missing from the template, so that nothing can be said to be unused."""
        return any(one.code in ('E001', 'E002') for one in self.checked.findings)


def unused_parameters(read: _Read) -> Said:
    if read.broken():
        return
    used = {name for part, _ in read.parts() for name in part.parameters()}
    # A name worked out when the stack is made may be any of them.
    if any(isinstance(node, GetParam) and not isinstance(node.name, Constant)
           for part, _ in read.parts() for node in part.walk()):
        return
    for section in ('Rules', 'Transform'):
        used |= read.mentions(read.tree.get(section), set())
    for name in read.parameters:
        if name not in used:
            yield f'The parameter {name} is not used.', (read.words.parameters, name)


def unused_conditions(read: _Read) -> Said:
    if read.broken():
        return
    used = {node.name for part, _ in read.parts() for node in part.walk() if isinstance(node, Condition)}
    for name in read.template.conditions:
        if name not in used:
            yield f'The condition {name} is not used.', (read.words.conditions, name)


def unused_mappings(read: _Read) -> Said:
    mappings = read.tree.get('Mappings')
    if read.broken() or not isinstance(mappings, Mapping):
        return
    used: set[str] = set()
    for name in _first_arguments({key: value for key, value in read.tree.items() if key != 'Mappings'},
                                 'Fn::FindInMap'):
        if not isinstance(name, str):
            return
        used.add(name)
    for name in mappings:
        if name not in used:
            yield f'The mapping {name} is not used.', ('Mappings', name)


def _first_arguments(tree: Any, function: str) -> Iterator[Any]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            if key == function and isinstance(value, list) and value:
                yield value[0]
            yield from _first_arguments(value, function)
    elif isinstance(tree, list):
        for value in tree:
            yield from _first_arguments(value, function)


def hidden_outputs(read: _Read) -> Said:
    for name, output in read.template.outputs.items():
        told = sorted(one for one in output.value.parameters()
                      if one in read.template.parameters and read.template.parameters[one].hidden)
        for one in told:
            yield (f'The output {name} shows the hidden parameter {one}.',
                   (read.words.outputs, name, read.words.value))


def undescribed_parameters(read: _Read) -> Said:
    for name, one in read.parameters.items():
        if not one.description:
            yield f'The parameter {name} has no description.', (read.words.parameters, name)


def unconstrained_parameters(read: _Read) -> Said:
    for name, one in read.parameters.items():
        if not one.constraints and one.type in ('string', 'number'):
            yield (f'The parameter {name} accepts any {one.type}: it has no constraints.',
                   (read.words.parameters, name))


def old_types(read: _Read) -> Said:
    types = read.checked.types
    for name, one in read.template.resources.items():
        if types is not None:
            yield from _old(f'The type {one.type}', types(one.type, name).schema.support,
                            (read.words.resources, name, read.words.type))


def old_properties(read: _Read) -> Said:
    types = read.checked.types
    for name, one in read.template.resources.items():
        if types is None:
            return
        kind = types(one.type, name)
        place = (read.words.resources, name, read.words.properties)
        yield from _old_below(kind.schema.properties, read.written(name).get(read.words.properties), place)
    for part, path in read.parts():
        for node in part.walk():
            for ref in node.own_refs():
                yield from _old_attribute(read, ref, path)


def _old_attribute(read: _Read, ref: Ref, path: Path) -> Said:
    definition, types = read.template.resources.get(ref.resource), read.checked.types
    if definition is None or types is None or ref.attribute is None:
        return
    one = types(definition.type, ref.resource).schema.attributes.get(ref.attribute)
    if one is not None:
        yield from _old(f'The attribute {ref.attribute} of {definition.type}', one.support,
                        _call(read, path, ref.resource))


def _old_below(declared: Mapping[str, Property], given: Any, path: Path) -> Said:
    if not isinstance(given, Mapping):
        return
    for key, value in given.items():
        one = declared.get(key)
        if one is None:
            continue
        yield from _old(f'The property {key}', one.support, (*path, key))
        if one.keys:
            yield from _old_below(one.keys, value, (*path, key))
        if one.items is not None and one.items.keys and isinstance(value, list):
            for index, item in enumerate(value):
                yield from _old_below(one.items.keys, item, (*path, key, index))


def _old(what: str, support: Support, path: Path) -> Said:
    if support.status in _OLD:
        since = f' since {support.version}' if support.version else ''
        said = support.message or (support.previous.message if support.previous is not None else None)
        yield f'{what} is {support.status.lower()}{since}' + (f': {said}' if said else '.'), path


def deleted_data(read: _Read) -> Said:
    for name, one in read.template.resources.items():
        data = read.written(name)
        said = data.get(read.words.deletion_policy) is not None or one.external_id is not None
        if one.type in _DATA and data and not said:
            yield (f'{name} holds data, which is deleted with the stack: say so with '
                   f'{read.words.deletion_policy}, or keep it.', (read.words.resources, name))


def implied_dependencies(read: _Read) -> Said:
    for name, one in read.template.resources.items():
        referred = {ref.resource for ref in one.refs()}
        written = read.written(name).get(read.words.depends_on)
        for wanted in one.depends_on:
            if wanted in referred:
                path: Path = (read.words.resources, name, read.words.depends_on)
                if isinstance(written, list) and wanted in written:
                    path = (*path, written.index(wanted))
                yield f'{name} refers to {wanted}, so it need not depend on it.', path


def dead_branches(read: _Read) -> Said:
    scope = ConditionScope(NullScope(), read.template.conditions)
    for part, path in read.parts():
        for node, below in located(part):
            if isinstance(node, If):
                chosen = _fixed(node.condition, scope)
                if chosen is not UNKNOWN:
                    dead = 'second' if chosen else 'first'
                    said = f'The condition is always {str(chosen).lower()}: the {dead} branch is never taken.'
                    if not (chosen and node.otherwise is None):
                        yield said, _if_at(read, (*path, *below))
    for name, one in read.template.resources.items():
        if one.condition is not None and _fixed(one.condition, scope) is False:
            yield (f'The condition of {name} is always false: it is never made.',
                   (read.words.resources, name, read.words.condition))


def _fixed(condition: Expr, scope: Scope) -> Any:
    """The value that a condition has whatever the parameters are, else UNKNOWN."""
    try:
        return condition.value(scope)
    except (ValueError, TypeError, errors.HeatException):
        return UNKNOWN


def _if_at(read: _Read, path: Path) -> Path:
    at: Any = read.tree
    for number, step in enumerate(path):
        if isinstance(at, Mapping) and step not in at:
            return path[:number]
        try:
            at = at[step]
        except (KeyError, IndexError, TypeError):
            return path[:number]
    if isinstance(at, Mapping) and len(at) == 1 and next(iter(at)) in ('if', 'Fn::If'):
        return (*path, next(iter(at)))
    return path


def _call(read: _Read, path: Path, name: str) -> Path:
    at: Any = read.tree
    for step in path:
        try:
            at = at[step]
        except (KeyError, IndexError, TypeError):
            return path
    return next(calls_of(at, name, path), path)


def secret_defaults(read: _Read) -> Said:
    for name, one in read.parameters.items():
        if one.default in (ABSENT, '', None) or one.type not in ('string', 'json', 'comma_delimited_list'):
            continue
        if one.hidden or _secret(one):
            yield (f'The default of {name} looks like a password that everyone can read.',
                   (read.words.parameters, name))


def open_secrets(read: _Read) -> Said:
    for name, one in read.parameters.items():
        if not one.hidden and one.type == 'string' and _secret(one):
            key = 'hidden' if read.template.dialect == 'hot' else 'NoEcho'
            yield (f'The parameter {name} looks like a password and is not hidden ({key}: true).',
                   (read.words.parameters, name))


def _secret(one: ParameterSchema) -> bool:
    return _SECRET.search(one.name) is not None and _NO_SECRET.search(one.name) is None


def lost_outputs(read: _Read) -> Said:
    known = read.template.resources
    for name, output in read.template.outputs.items():
        for node in output.value.walk():
            for ref in node.own_refs():
                if ref.resource not in known and ref.kind == 'reference' and not read.broken():
                    yield (f'The output {name} names {ref.resource}, which is not in the template.',
                           (read.words.outputs, name, read.words.value))


def own_warnings(read: _Read) -> Said:
    for one in getattr(read.template, 'warnings', ()):
        path = getattr(one, 'path', ())
        yield str(getattr(one, 'message', one)), tuple(path) if not isinstance(path, str) else ()


Rule = Callable[[_Read], Said]

RULES: Mapping[str, Rule] = {
    'W101': unused_parameters,
    'W102': unused_conditions,
    'W103': unused_mappings,
    'W104': hidden_outputs,
    'W105': undescribed_parameters,
    'W106': unconstrained_parameters,
    'W107': old_types,
    'W108': old_properties,
    'W109': deleted_data,
    'W110': implied_dependencies,
    'W111': dead_branches,
    'W112': secret_defaults,
    'W113': open_secrets,
    'W114': lost_outputs,
    'W120': own_warnings,
}
# What each code means, for those who choose.
MEANINGS: Mapping[str, str] = {
    'W101': 'unused parameter', 'W102': 'unused condition', 'W103': 'unused mapping',
    'W104': 'output of a hidden value', 'W105': 'parameter without description',
    'W106': 'parameter without constraints', 'W107': 'type that is deprecated or gone',
    'W108': 'property or attribute that is deprecated or gone', 'W109': 'data deleted with the stack',
    'W110': 'dependency that a reference implies', 'W111': 'branch or resource that is never used',
    'W112': 'default that looks like a password', 'W113': 'password that is not hidden',
    'W114': 'output of an unknown resource', 'W120': 'said by the template itself'}


def lint(checked: Checked, ignored: Collection[str] = ()) -> list[Finding]:
    """Errors and warnings of a template and of the templates it is made of, less what is silenced."""
    found: list[Finding] = list(checked.findings)
    if checked.template is not None:
        read = _Read(checked, checked.template)
        warnings = [checked.place.finding(code, message, path)
                    for code, rule in RULES.items() if code not in ignored for message, path in rule(read)]
        found += sorted(dict.fromkeys(warnings), key=lambda one: (one.line, one.column, one.code))
    told = checked.place.silenced(found, ignored)
    for child in checked.children.values():
        told += lint(child, ignored)
    return list(dict.fromkeys(told))
