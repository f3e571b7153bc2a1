"""The functions of CloudFormation in the words of HOT.

Purpose: ``CALLS`` maps each function to its way into HOT; ``Calls`` walks plain data with
it. Invariant: a function that the version knows and ``CALLS`` does not is told as lost,
so a function added to the versions is never taken for data. Neighbours: ``convert``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from heat.template.compile import Unit
from heat.template.expr import NullScope
from heat.template.functions_cfn import member_list_to_map
from heat.template.versions import Version

Path = tuple[Any, ...]
_STACK = {'AWS::StackName': 'OS::stack_name', 'AWS::StackId': 'OS::stack_id'}
_VARIABLE = re.compile(r'\$\{(!?[^}]*)\}')
NO_VALUE = 'AWS::NoValue'


class Nothing:
    """The value of a place that vanishes (AWS::NoValue)."""


class Calls:
    """Values of one template. ``new_parameters`` are mappings that became parameters."""

    def __init__(self, tree: Mapping[str, Any], version: Version, hot: Version,
                 lost: list[tuple[Path, str]]) -> None:
        self.version, self.lost = version, lost
        self.new_parameters: dict[str, Any] = {}
        parameters, mappings = tree.get('Parameters'), tree.get('Mappings')
        self.parameters = frozenset(parameters) if isinstance(parameters, dict) else frozenset()
        self.mappings = mappings if isinstance(mappings, dict) else {}
        self._functions = {**version.functions}
        self._conditions = {**version.condition_functions}
        self._hot = {*hot.functions, *hot.condition_functions}

    def lose(self, path: Path, sentence: str) -> None:
        self.lost.append((path, sentence))

    def value(self, tree: Any, path: Path) -> Any:
        """Plain data with every function in it in HOT's words."""
        if isinstance(tree, dict):
            if len(tree) == 1:
                name, args = next(iter(tree.items()))
                if name in self._functions or self._strange(name):
                    return self.call(name, args, (*path, name))
                if name in self._hot:
                    self.lose((*path, name), f'{name} is data here, and HOT would take it for a function.')
            made = {key: self.value(item, (*path, key)) for key, item in tree.items()}
            return {key: item for key, item in made.items() if item is not Nothing}
        if isinstance(tree, list):
            items = [self.value(item, (*path, index)) for index, item in enumerate(tree)]
            return [item for item in items if item is not Nothing]
        return tree

    def _strange(self, name: str) -> bool:
        """Whether AWS's own format takes the name for a function of some kind, a loop for one."""
        return self.version.dialect == 'aws' and name.startswith('Fn::')

    def condition(self, tree: Any, path: Path) -> Any:
        """A condition: a name, true or false, or a function."""
        if isinstance(tree, dict) and len(tree) == 1:
            name, args = next(iter(tree.items()))
            if name == 'Condition' and isinstance(args, str):
                return args
            if name in self._conditions:
                return self.call(name, args, (*path, name))
        return tree

    def call(self, name: str, args: Any, path: Path) -> Any:
        way = CALLS.get(name)
        if way is None:
            self.lose(path, f'HOT has no function like {name}.')
            return None
        return way(self, name, args, path)


Way = Callable[[Calls, str, Any, Path], Any]


def _ref(calls: Calls, name: str, args: Any, path: Path) -> Any:
    if args == NO_VALUE:
        return Nothing
    if args in _STACK:
        if args == 'AWS::StackId':
            calls.lose(path, 'AWS::StackId is an ARN; OS::stack_id, in its place, is the bare id.')
        return {'get_param': _STACK[args]}
    if args in calls.parameters:
        return {'get_param': args}
    if args in calls.version.pseudo_parameters:
        calls.lose(path, f'HOT has no parameter like {args}.')
        return None
    return {'get_resource': args}


def _get_att(calls: Calls, name: str, args: Any, path: Path) -> Any:
    if isinstance(args, str):
        args = args.split('.', 1)
    return {'get_attr': calls.value(args, path)}


def _renamed(hot: str) -> Way:
    """The same arguments under another name."""
    def way(calls: Calls, name: str, args: Any, path: Path) -> Any:
        return {hot: calls.value(args, path)}

    return way


def _base64(calls: Calls, name: str, args: Any, path: Path) -> Any:
    # Heat's own versions have always given the argument unchanged; one that encodes is another function.
    unit = Unit({}, {})
    if calls.version.builders()[name](unit, name, 'text', ()).value(NullScope()) == 'text':
        return calls.value(args, path)
    if isinstance(args, str):
        return base64.b64encode(args.encode()).decode()
    calls.lose(path, f'HOT has no function like {name}.')
    return calls.value(args, path)


def _if(calls: Calls, name: str, args: Any, path: Path) -> Any:
    condition = calls.condition(args[0], (*path, 0))
    then, otherwise = (calls.value(args[index], (*path, index)) for index in (1, 2))
    if then is Nothing and otherwise is Nothing:
        return Nothing
    if otherwise is Nothing:
        return {'if': [condition, then]}
    if then is Nothing:
        return {'if': [{'not': condition}, otherwise]}
    return {'if': [condition, then, otherwise]}


def _select(calls: Calls, name: str, args: Any, path: Path) -> Any:
    index, source = args
    place = calls.value(index, (*path, 0))
    single = isinstance(source, dict) and len(source) == 1
    function, inner = next(iter(source.items())) if single else (None, None)
    is_call = function in calls.version.functions
    if _is_index(index):
        place = int(index)
        if isinstance(source, list) and not any(isinstance(item, (dict, list)) for item in source):
            return source[place] if place < len(source) else ''
    if function == 'Ref' and inner in calls.parameters:
        return {'get_param': [inner, place]}
    if function == 'Fn::GetAtt':
        return {'get_attr': [*_get_att(calls, function, inner, (*path, 1))['get_attr'], place]}
    collection = calls.value(source, (*path, 1))
    if isinstance(source, dict) and not is_call and not isinstance(index, dict):
        return _item('$.data.map.get($.data.key, "")', map=collection, key=place)
    if isinstance(place, int) and (is_call or isinstance(source, list)):
        # An index of str_split would refuse a place that is not there.
        return _item(f'$.data.list.skip({place}).first("")', list=collection)
    calls.lose(path, f'HOT cannot say this use of {name}.')
    return None


def _item(expression: str, **data: Any) -> Any:
    return {'yaql': {'expression': expression, 'data': data}}


def _is_index(index: Any) -> bool:
    return not isinstance(index, bool) and (isinstance(index, int) or (
        isinstance(index, str) and index.isdigit())) and int(index) >= 0


def _find_in_map(calls: Calls, name: str, args: Any, path: Path) -> Any:
    mapping, *keys = args
    if len(args) != 3 or not isinstance(mapping, str) or mapping not in calls.mappings:
        calls.lose(path, f'HOT cannot say this use of {name}.')
        return None
    found: Any = calls.mappings[mapping]
    for key in keys:
        found = found.get(key) if isinstance(key, str) and isinstance(found, dict) else None
    if found is not None:
        # Data of mappings holds no functions; a map that looks like one is told as such.
        return calls.value(found, path)
    if all(isinstance(key, str) for key in keys):
        calls.lose(path, f'The mapping {mapping} has no {" ".join(keys)}.')
        return None
    if mapping in calls.parameters:
        calls.lose(path, f'The mapping {mapping} would become a parameter, and there is one of that name.')
        return None
    calls.new_parameters[mapping] = {
        'type': 'json', 'description': f'The mapping {mapping}; not meant to be set.',
        'default': calls.mappings[mapping]}
    steps = [calls.value(key, (*path, number)) for number, key in enumerate(keys, 1)]
    return {'get_param': [mapping, *steps]}


def _replace(calls: Calls, name: str, args: Any, path: Path) -> Any:
    return {'str_replace': {'template': calls.value(args[1], (*path, 1)),
                            'params': calls.value(args[0], (*path, 0))}}


def _members(calls: Calls, name: str, args: Any, path: Path) -> Any:
    try:
        return member_list_to_map(name, args)
    except (ValueError, TypeError):
        calls.lose(path, f'HOT has no function like {name}.')
        return None


def _facade(calls: Calls, name: str, args: Any, path: Path) -> Any:
    words = {'Metadata': 'metadata', 'DeletionPolicy': 'deletion_policy', 'UpdatePolicy': 'update_policy'}
    return {'resource_facade': words.get(args, args)}


def _sub(calls: Calls, name: str, args: Any, path: Path) -> Any:
    template, given = args if isinstance(args, list) else (args, {})
    params: dict[str, Any] = {}
    for word in dict.fromkeys(_VARIABLE.findall(template)):
        if word.startswith('!'):
            params[f'${{{word}}}'] = f'${{{word[1:]}}}'
        elif word in given:
            params[f'${{{word}}}'] = calls.value(given[word], (*path, 1, word))
        elif '.' in word and word not in calls.parameters:
            params[f'${{{word}}}'] = {'get_attr': word.split('.', 1)}
        else:
            params[f'${{{word}}}'] = _ref(calls, 'Ref', word, path)
    return {'str_replace': {'template': template, 'params': params}} if params else template


def _equals(calls: Calls, name: str, args: Any, path: Path) -> Any:
    # Functions of values inside a condition are those that conditions know.
    inner = Calls.__new__(Calls)
    inner.__dict__.update(calls.__dict__)
    inner._functions = {**calls._conditions}
    return {'equals': inner.value(args, path)}


def _not(calls: Calls, name: str, args: Any, path: Path) -> Any:
    return {'not': calls.condition(args[0], (*path, 0))}


def _several(hot: str) -> Way:
    def way(calls: Calls, name: str, args: Any, path: Path) -> Any:
        return {hot: [calls.condition(arg, (*path, index)) for index, arg in enumerate(args)]}

    return way


CALLS: Mapping[str, Way] = {
    'Fn::And': _several('and'),
    'Fn::Base64': _base64,
    'Fn::Equals': _equals,
    'Fn::FindInMap': _find_in_map,
    'Fn::GetAtt': _get_att,
    'Fn::If': _if,
    'Fn::Join': _renamed('list_join'),
    'Fn::MemberListToMap': _members,
    'Fn::Not': _not,
    'Fn::Or': _several('or'),
    'Fn::Replace': _replace,
    'Fn::ResourceFacade': _facade,
    'Fn::Select': _select,
    'Fn::Split': _renamed('str_split'),
    'Fn::Sub': _sub,
    'Ref': _ref,
}
