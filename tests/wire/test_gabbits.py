"""The routes told as stories: gabbits/*.yaml, each with a site of its own and one of everything in it.

The site is a whole engine in virtual time, which runs to rest after every request. ``$ENVIRON`` holds what
is there; paths are those below the project's. Every route must be told in success and in failure.
"""

from __future__ import annotations

import pathlib
import re
import unittest
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import yaml
from gabbi import handlers, suitemaker

from heat.api.dispatch import Dispatcher
from heat.api.rest.routes import ROUTES
from tests.parity.conftest import Site, site  # noqa: F401  (a fixture)
from tests.parity.test_rest_objects import furnish
from tests.wire.keystone import ADMIN_PROJECT, PROJECT

ROOM = pathlib.Path(__file__).parent / 'gabbits'
STORIES = sorted(path.stem for path in ROOM.glob('*.yaml'))
METHODS = ('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD')
HANDLERS = [kind() for kind in handlers.RESPONSE_HANDLERS]


def told(name: str) -> dict[str, Any]:
    story: dict[str, Any] = yaml.safe_load((ROOM / f'{name}.yaml').read_text())
    return story


def served(site: Site) -> Callable[[], Callable[..., Iterable[bytes]]]:  # noqa: F811
    """The application at the address of the project, with the world at rest after each request."""
    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ['PATH_INFO']
        if not path.startswith('/v1/'):
            environ['PATH_INFO'] = f'/v1/{PROJECT}{path}'
        answer = list(site.app(environ, start_response))
        site.world.run()
        return answer

    return lambda: application


@pytest.mark.parametrize('name', STORIES)
def test_story(name: str, site: Callable[[], Site], monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    ground = furnish(site())
    place = ground.place
    monkeypatch.setenv('WEB', f'/stacks/web/{place["stack_id"]}')
    monkeypatch.setenv('ADMIN', f'/v1/{ADMIN_PROJECT}')
    for key in ('event', 'config', 'deployment', 'server'):
        monkeypatch.setenv(key.upper(), place[f'{key}_id'])
    suite = suitemaker.test_suite_from_dict(
        unittest.TestLoader(), name, told(name), str(ROOM), 'localhost', None, None, served(ground.site),
        handlers=HANDLERS)
    result = unittest.TestResult()
    suite.run(result)
    assert result.testsRun == len(told(name)['tests'])
    # The first that fails makes those after it mean little.
    for test, text in [*result.failures, *result.errors]:
        pytest.fail(f'{test}:\n{text}', pytrace=False)
    assert not result.skipped


def test_every_route_is_told_in_success_and_in_failure() -> None:
    seen: dict[int, set[bool]] = {}
    lines = [(one, route) for one in ROUTES for route in one.routes]
    dispatcher = Dispatcher(ROUTES, None, None)  # type: ignore[arg-type]
    for name in STORIES:
        for test in told(name)['tests']:
            method = next(each for each in METHODS if each in test)
            path = re.sub(r"\$ENVIRON\['WEB'\]", '/stacks/web/x', test[method])
            path = re.sub(r"\$ENVIRON\['ADMIN'\]", '', path)
            path = re.sub(r"\$\w+\['[^]]*'\](\.\$\w+\['[^]]*'\])?", 'x', path).partition('?')[0]
            good = int(test.get('status', 200)) < 400
            found = dispatcher.found(method, f'/{PROJECT}{path}')
            assert found, f'{name}: {method} {path} is no address'
            if found['target'].isdigit():
                seen.setdefault(int(found['target']), set()).add(good)
            else:
                # Not allowed there: a failure of what is.
                assert not good
                for number, (one, _route) in enumerate(lines):
                    if re.fullmatch(re.sub(r'\{[^{}]+\}', '[^/]+', one.path), f'/{PROJECT}{path}'):
                        seen.setdefault(number, set()).add(False)
    missing = [f'{route.method} {one.path}: {"failure" if True in seen.get(number, ()) else "success"}'
               for number, (one, route) in enumerate(lines) if seen.get(number) != {True, False}]
    assert not missing, '\n'.join(missing)
