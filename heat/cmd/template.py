"""heat-template: templates as files, checked, formatted, drawn and converted without a service.

Purpose: the sub-commands, put together from pure parts. Invariant: exit status 0 when
all is well, 1 when there is something to say, 2 for wrong usage or a file that cannot be
read; a file is rewritten only by ``fmt -w``, and in one step. Neighbours:
``template_files`` reads, ``template_check``, ``heat.plan.lint`` and ``show`` and
``heat.template.print``, ``convert`` and ``jsonschema`` do the work.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

from heat.cmd.own_conf import etc_directory
from heat.cmd.template_check import Written, check
from heat.cmd.template_files import ENVIRONMENT_CODE, Reader, Unreadable, as_json
from heat.common import config, errors
from heat.engine.compiled import compile_all
from heat.plan import show
from heat.plan.checked import Checked
from heat.plan.lint import MEANINGS, lint
from heat.resources.types import PLUGINS
from heat.template import jsonschema, versions
from heat.template import print as style
from heat.template.bundle import Bundle
from heat.template.convert import to_hot
from heat.template.environment import Environment, merge_files
from heat.template.findings import ERROR, Finding, Place
from heat.template.registry import Layer, Registry
from heat.template.source import read
from heat.version import VERSION

PROG = 'heat-template'
FINE, FINDINGS, UNREADABLE = 0, 1, 2
DRAWING_SECONDS = 120


class Refused(Exception):
    """The command cannot be done; the text is for the user."""


def say(text: str) -> None:
    sys.stdout.write(text if text.endswith('\n') else f'{text}\n')


def complain(text: str) -> None:
    sys.stderr.write(f'{PROG}: {text}\n')


def examined(args: argparse.Namespace, reader: Reader, name: str) -> Checked:
    """A template of the command line, checked with its environments and parameters."""
    bundle = reader.root(name)
    environment = Environment(parameters=dict(args.parameter))
    layers = [Layer(reader.environment(file).get('resource_registry') or {}, user=False)
              for file in operators(args.environment_dir)]
    if args.environment:
        files = {file: as_json(reader.environment(file)) for file in args.environment}
        try:
            given = merge_files(Environment(), args.environment, files, _schemas(bundle))
        except errors.HeatException as error:
            raise Refused(_of_environments(error, reader)) from None
        # What is said on the command line goes over what is said in files.
        environment = Environment({**given.parameters, **environment.parameters}, given.resource_registry,
                                  given.parameter_defaults, given.encrypted_param_names, given.event_sinks)
    for layer in layers:
        bundle = reader.add(bundle, layer.registry, optional=True)
    bundle = reader.add(bundle, environment.resource_registry)
    registry = Registry(PLUGINS, [*layers, Layer(environment.resource_registry)])
    return check(bundle, registry, environment, strict=args.strict,
                 written=Written(tuple(reader.environments.values()), frozenset(dict(args.parameter))))


def _of_environments(error: errors.HeatException, reader: Reader) -> str:
    """What is wrong with environments, each with its place in the file that says it."""
    written = Written(tuple(reader.environments.values()))
    lines = []
    for one in error.faults:
        place = reader.environments.get(one.source) or written.at(one.path)
        lines.append(one.message if place is None else
                     place.finding(ENVIRONMENT_CODE, one.bare(), one.path).text())
    return '\n'.join(lines or [str(error)])


def _schemas(bundle: Bundle) -> Mapping[str, Any]:
    try:
        return {} if bundle.tree is None else compile_all(
            None, bundle.tree, None, None, strict=False, noted=errors.Collected()).template.parameters
    except errors.HeatException:
        return {}


def operators(directory: str) -> list[str]:
    """The operator's environment files, in the order in which the service reads them."""
    if not directory:
        return []
    return sorted(str(path) for path in Path(directory).glob('*') if path.is_file())


def told(args: argparse.Namespace, findings: Sequence[Finding]) -> int:
    """Tell the findings in the form that was asked for; the exit status."""
    if args.format == 'json':
        say(json.dumps([one.form() for one in findings], indent=2))
    elif findings:
        say('\n'.join(one.text() for one in findings))
    return FINDINGS if findings else FINE


def validate(args: argparse.Namespace) -> int:
    reader = Reader(args.fetch)
    found = [one for name in args.file for one in examined(args, reader, name).everything()]
    return told(args, list(dict.fromkeys(found)))


def linted(args: argparse.Namespace) -> int:
    if args.codes:
        say('\n'.join(f'{code}  {meaning}' for code, meaning in MEANINGS.items()))
        return FINE
    if not args.file:
        raise Refused('name a template, or - for standard input.')
    ignored = {code.strip() for codes in args.ignore for code in codes.split(',') if code.strip()}
    strange = sorted(ignored - set(MEANINGS))
    if strange:
        raise Refused(f'{", ".join(strange)}: no such warning; lint --codes lists them.')
    reader = Reader(args.fetch)
    found = [one for name in args.file for one in lint(examined(args, reader, name), ignored)]
    return told(args, list(dict.fromkeys(found)))


def fmt(args: argparse.Namespace) -> int:
    status = FINE
    for name in args.file:
        text = Reader().text(name)
        try:
            made = style.formatted(text)
        except errors.HeatException as fault:
            raise Refused(Place(name, text).unreadable('E001', fault).text()) from None
        except ValueError as fault:
            raise Refused(f'{name}: {fault}') from None
        if args.check:
            if made != text:
                status = FINDINGS
                say(''.join(unified_diff(text.splitlines(True), made.splitlines(True), name,
                                         f'{name} (formatted)')))
        elif args.write:
            if name == '-':
                raise Refused('standard input cannot be rewritten.')
            if made != text:
                replace(Path(name), made)
        else:
            say(made)
    return status


def replace(path: Path, text: str) -> None:
    """Rewrite a file in one step, its mode kept. Raises Refused."""
    try:
        target = path.resolve(strict=True)
        with tempfile.NamedTemporaryFile('w', encoding='utf-8', newline='', dir=target.parent,
                                         prefix=f'.{target.name}.', delete=False) as stream:
            temporary = Path(stream.name)
            try:
                stream.write(text)
                stream.flush()
                os.chmod(temporary, target.stat().st_mode & 0o7777)
                temporary.replace(target)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise Refused(f'{path}: {error.strerror}') from None


def graph(args: argparse.Namespace) -> int:
    checked = examined(args, Reader(args.fetch), args.file)
    wrong = [one for one in checked.everything() if one.level == ERROR]
    if checked.settled is None or any(one.code == 'E008' for one in wrong):
        sys.stderr.write('\n'.join(one.text() for one in wrong) + '\n')
        return FINDINGS
    drawn = show.picture(checked, args.nested)
    if args.format == 'json':
        say(json.dumps(show.form(drawn), indent=2))
    elif args.format == 'dot':
        say(show.dot(drawn))
    else:
        say(svg(show.dot(drawn)))
    if wrong:
        sys.stderr.write('\n'.join(one.text() for one in wrong) + '\n')
    return FINDINGS if wrong else FINE


def svg(text: str) -> str:
    """A picture drawn by graphviz. Raises Refused."""
    program = shutil.which('dot')
    if program is None:
        raise Refused('svg needs the program dot of graphviz, which is not installed '
                      '(Debian: apt-get install graphviz); --format dot works without.')
    try:
        done = subprocess.run([program, '-Tsvg'], input=text, capture_output=True, text=True, check=True,
                              timeout=DRAWING_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise Refused(f'dot failed: {getattr(error, "stderr", "") or error}') from None
    return done.stdout


def convert(args: argparse.Namespace) -> int:
    reader = Reader()
    text = reader.text(args.file)
    bundle = reader.parsed(args.file, text)
    tree, place = bundle.tree, Place(args.file, text)
    if tree is None:
        assert bundle.fault is not None
        raise Refused(place.unreadable('E001', bundle.fault).text())
    if args.to == 'hot':
        return _to_hot(bundle, tree, place)
    commented = style.is_yaml(text) and bool(read(text).comments)
    if args.to == 'json':
        try:
            say(style.json_of(tree))
        except ValueError:
            raise Refused(f'{args.file}: a number in it is not finite, which JSON cannot say.') from None
        if commented:
            complain(f'{args.file}: JSON has no comments; those of the template were dropped.')
    else:
        say(style.formatted(text) if style.is_yaml(text) else style.text_of(tree))
    return FINE


def _to_hot(bundle: Bundle, tree: Mapping[str, Any], place: Place) -> int:
    alone = Bundle(place.file, '', tree, document=bundle.document)
    checked = check(alone, Registry(_Anything()), Environment())
    wrong = [place.finding(one.code, one.message, one.path) for one in checked.findings
             if one.code in ('E002', 'E003')]
    if wrong:
        raise Refused('the template has faults:\n' + '\n'.join(one.text() for one in wrong))
    # What macros have made of the template, where it has any.
    made = to_hot(checked.template.processed if checked.template is not None else tree)
    say(style.text_of(made.tree))
    lost = [place.finding('C001', sentence, path) for path, sentence in made.lost]
    if lost:
        sys.stderr.write('\n'.join(one.text() for one in lost) + '\n')
    return FINDINGS if lost else FINE


class _Anything(dict[str, Any]):
    """A table of types in which every name is a type of no interest."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Any:
        return PLUGINS['OS::Heat::None']


def schema(args: argparse.Namespace) -> int:
    types = {name: kind.schema for name, kind in PLUGINS.items() if not kind.retired}
    if args.version == 'all':
        made = jsonschema.schema_of_all(types)
    else:
        try:
            made = jsonschema.schema_of(jsonschema.version_named(args.version), types)
        except ValueError as error:
            raise Refused(str(error)) from None
    say(json.dumps(made, indent=2, default=str))
    return FINE


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition('=')
    if not name or not equals:
        raise argparse.ArgumentTypeError(f'"{text}" is not NAME=VALUE')
    return name, value


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog=PROG, description='Work on templates as files; no service is asked.',
        epilog='Exit status: 0 all is well, 1 there are findings, 2 wrong usage or an unreadable file.')
    top.add_argument('--version', action='version', version=VERSION)
    commands = top.add_subparsers(title='commands', dest='command', required=True, metavar='COMMAND')

    def add(name: str, task: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
        made.set_defaults(task=task)
        return made

    def with_environment(one: argparse.ArgumentParser) -> None:
        one.add_argument('-e', '--environment', metavar='ENV', action='append', default=[],
                         help='an environment file; several are merged in order')
        one.add_argument('-P', '--parameter', metavar='NAME=VALUE', type=_pair, action='append', default=[],
                         help='the value of a parameter')
        one.add_argument('--environment-dir', metavar='DIR', default=default_directory(),
                         help="the operator's environment files; '' for none (%(default)s)")
        one.add_argument('--strict', action='store_true', help='every parameter must have a value')
        one.add_argument('--fetch', action='store_true', help='fetch what has an http or https URL')

    def with_files(one: argparse.ArgumentParser, least: str = '+') -> None:
        one.add_argument('file', nargs=least, metavar='FILE', help='a template; - is standard input')

    def with_format(one: argparse.ArgumentParser, *choices: str) -> None:
        one.add_argument('--format', choices=choices, default=choices[0],
                         help='form of the output (%(default)s)')

    one = add('validate', validate, 'Tell everything that is wrong with templates.')
    with_files(one)
    with_environment(one)
    with_format(one, 'text', 'json')
    one = add('lint', linted, 'Tell what is wrong, and what is hardly meant.')
    with_files(one, '*')
    with_environment(one)
    with_format(one, 'text', 'json')
    one.add_argument('--ignore', metavar='CODES', action='append', default=[],
                     help='codes of warnings not to tell, separated by commas; in a template the comment '
                          '"# heat-lint: ignore W101" does the same for the entry below or beside it')
    one.add_argument('--codes', action='store_true', help='list the codes of warnings')
    one = add('fmt', fmt, 'Print templates in canonical order and style, comments kept.')
    with_files(one)
    how = one.add_mutually_exclusive_group()
    how.add_argument('-w', '--write', action='store_true', help='rewrite the files')
    how.add_argument('--check', action='store_true', help='show what would change; status 1 if anything')
    one = add('graph', graph, 'Show which resource waits for which, and why.')
    one.add_argument('file', metavar='FILE', help='a template; - is standard input')
    with_environment(one)
    with_format(one, 'dot', 'json', 'svg')
    one.add_argument('--nested', action='store_true',
                     help='with the templates that stand for types, as clusters')
    one = add('convert', convert, 'Print a template in another language.')
    one.add_argument('file', metavar='FILE', help='a template; - is standard input')
    one.add_argument('--to', choices=('hot', 'yaml', 'json'), required=True,
                     help='hot: from CloudFormation; yaml, json: the same template in the other notation')
    one = add('schema', schema, 'Print the JSON Schema of a template version, for editors.')
    one.add_argument('version', metavar='VERSION',
                     help=f'one of {", ".join(versions.table())}, a date, a name like wallaby, or all')
    return top


def default_directory() -> str:
    """The environment files that came with the program; '' if there are none."""
    try:
        return str(etc_directory() / 'environment.d')
    except config.ConfigError:
        return ''


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command; the exit status. ``argv`` are the arguments, None this process's."""
    args = parser().parse_args(argv)
    try:
        status: int = args.task(args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read has seen enough; Python would complain when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except (OSError, UnicodeEncodeError) as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        complain(f'the output cannot be written: {error}.')
        return UNREADABLE
    except (Refused, Unreadable, errors.HeatException) as error:
        complain(str(error))
        return UNREADABLE


if __name__ == '__main__':
    sys.exit(main())
