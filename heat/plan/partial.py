"""What can be compiled of a template that is partly wrong.

Purpose: ``compile_parts`` takes a template apart, so that each fault is found with its
place and the rest is still a template. Invariant: pure; a template without faults is
compiled once, whole. Neighbours: ``template`` compiles, ``check`` goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heat.common import errors
from heat.schema.kinds import ABSENT
from heat.schema.parameters import cfn_schema, hot_schema
from heat.schema.parameters_aws import aws_schema
from heat.template import aws, cfn, hot, macros
from heat.template.definition import Template
from heat.template.files import Files
from heat.template.findings import Path, faults_of, path_in
from heat.template.sections import Words
from heat.template.versions import VERSION_KEYS, Version, dialect_of


@dataclass(frozen=True, slots=True)
class Partial:
    """``faults`` are ``(code, path, sentence)``; the broken names are not in ``template``."""

    template: Template | None
    faults: tuple[tuple[str, Path, str], ...] = ()
    broken_resources: frozenset[str] = frozenset()
    broken_parameters: frozenset[str] = frozenset()


def expanded(tree: Mapping[str, Any]) -> tuple[Mapping[str, Any], errors.HeatException | None]:
    """The template, its macros worked out with the defaults of its parameters; what hinders it, if anything.

    Where these are not enough only the parameters are left.
    """
    if not macros.wanted(tree):
        return tree, None
    try:
        schemas = aws.declared(tree)
        values = {name: schema.check(schema.default) for name, schema in schemas.items()
                  if schema.default is not ABSENT and not schema.stored}
        return macros.expand(tree, values, macros.from_files(Files())).tree, None
    except macros.ValuesMissing:
        return aws.skeleton(tree), None
    except errors.HeatException as error:
        return aws.skeleton(tree), error


def words_of(tree: Mapping[str, Any]) -> Words:
    """The spelling that a template uses."""
    return hot.WORDS if VERSION_KEYS[0] in tree else cfn.WORDS


def word(words: Words, place: str) -> str:
    """How ``words`` spell the place of a definition's part, also one that they do not list."""
    return str(getattr(words, place, '') or ''.join(part.title() for part in place.split('_')))


def compile_parts(tree: Mapping[str, Any]) -> Partial:
    """The template, or as much of it as makes sense, and all its faults of shape."""
    tree, hindrance = expanded(tree)
    faults = () if hindrance is None else tuple(('E002', path_in(tree, where), sentence)
                                                for where, sentence in faults_of(hindrance))
    try:
        return Partial(hot.compile_template(tree), faults)
    except errors.HeatException as error:
        whole = error
    try:
        version = dialect_of(tree)
    except errors.HeatException as error:
        named = next((key for key in VERSION_KEYS if key in tree), None)
        return Partial(None, (('E002', (named,) if named else (), str(error)),))
    found = _Parts(tree, version).partial()
    if found.faults:
        return found
    return Partial(found.template, tuple(('E002', path_in(tree, where), sentence)
                                         for where, sentence in faults_of(whole)))


class _Parts:
    def __init__(self, tree: Mapping[str, Any], version: Version) -> None:
        self.tree, self.version, self.words = tree, version, words_of(tree)
        self.faults: list[tuple[str, Path, str]] = []
        self.left = dict(tree)
        # A template may be known for what it is without naming its version; its parts are not.
        self.head = {key: tree[key] for key in VERSION_KEYS if key in tree} or {version.key: version.date}

    def partial(self) -> Partial:
        words = self.words
        for section in list(self.left):
            if section not in self.version.sections:
                self.faults.append(('E002', (section,), str(errors.InvalidTemplateSection(section=section))))
                del self.left[section]
        parameters = self._parameters()
        # The groups say what is wrong with them only while parameters and all else are in order.
        head = dict(self.head)
        head |= {words.parameters: self.left.get(words.parameters)} if words.parameters in self.left else {}
        if 'parameter_groups' in self.left and self._wrong(
                {**head, 'parameter_groups': self.left['parameter_groups']}, ('parameter_groups',)):
            del self.left['parameter_groups']
        # Mappings and whatever else may change what an entry means.
        apart = (words.parameters, words.conditions, words.resources, words.outputs, 'parameter_groups')
        for section in [one for one in self.left if one not in (*apart, *head)]:
            if self._wrong({**head, section: self.left[section]}, (section,)):
                del self.left[section]
            else:
                head[section] = self.left[section]
        conditions = self.left.get(words.conditions)
        if words.conditions in self.version.sections and conditions is not None:
            self._each(words.conditions, head, lambda name: {**dict.fromkeys(conditions, True), name:
                                                             conditions[name]}, stand_in=True)
            if isinstance(self.left.get(words.conditions), dict):
                head[words.conditions] = dict.fromkeys(self.left[words.conditions], True)
        resources = self._each(words.resources, head)
        self._each(words.outputs, head)
        template = None
        try:
            template = hot.compile_template(self.left)
        except errors.HeatException as error:
            self.faults += [('E002', path_in(self.tree, where), sentence)
                            for where, sentence in faults_of(error)]
        return Partial(template, tuple(dict.fromkeys(self.faults)), frozenset(resources), parameters)

    def _wrong(self, tree: Mapping[str, Any], path: Path) -> bool:
        """Whether a template of these parts has faults; they are noted, those without a place at ``path``."""
        try:
            hot.compile_template(tree)
        except errors.HeatException as error:
            self.faults += [('E002', path_in(self.tree, where) if where else path, sentence)
                            for where, sentence in faults_of(error)]
            return True
        return False

    def _each(self, section: str, head: Mapping[str, Any], among: Any = None, stand_in: bool = False,
              ) -> set[str]:
        """Try each entry of a section alone and take out the faulty ones, or put true in their place."""
        entries = self.left.get(section)
        if not isinstance(entries, dict):
            if entries is not None and self._wrong({**head, section: entries}, (section,)):
                del self.left[section]
            return set()
        broken = {name for name, data in entries.items()
                  if self._wrong({**head, section: among(name) if among else {name: data}}, (section, name))}
        self.left[section] = {name: True if name in broken else data for name, data in entries.items()
                              if stand_in or name not in broken}
        return broken

    def _parameters(self) -> frozenset[str]:
        section, version = self.words.parameters, self.version
        declared = self.left.get(section)
        if declared is None:
            return frozenset()
        if not isinstance(declared, dict):
            self._wrong({**self.head, section: declared}, (section,))
            del self.left[section]
            return frozenset()
        broken = set()
        for name, data in declared.items():
            try:
                if version.dialect == 'hot':
                    hot_schema(name, data, version.parameter_keys, version.parameter_constraints)
                elif version.dialect == 'aws':
                    aws_schema(name, data, version.parameter_keys)
                else:
                    cfn_schema(name, data, version.parameter_keys)
            except errors.HeatException as error:
                broken.add(name)
                self.faults.append(('E003', (section, name), str(error)))
        stand_in = {self.words.type: version.parameter_types[0]}
        self.left[section] = {name: stand_in if name in broken else data for name, data in declared.items()}
        return frozenset(broken)
