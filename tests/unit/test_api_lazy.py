"""Applications for web servers: nothing happens before the first request, and then once."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import webob

from heat.wsgi.lazy import Lazy


def test_made_once_at_the_first_request() -> None:
    made: list[int] = []

    def make() -> Any:
        made.append(1)
        return webob.Response(text='here')
    application = Lazy(make)
    assert made == []
    for _time in range(2):
        assert webob.Request.blank('/').get_response(application).text == 'here'
    assert made == [1]


def test_what_failed_is_tried_again() -> None:
    outcomes: list[Any] = [OSError('no broker'), webob.Response(text='here')]

    def make() -> Any:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
    application = Lazy(make)
    with pytest.raises(OSError, match='no broker'):
        webob.Request.blank('/').get_response(application)
    assert webob.Request.blank('/').get_response(application).text == 'here'


@pytest.mark.parametrize('name', ['api', 'cfn', 'cloudwatch'])
def test_importing_reads_no_configuration(name: str) -> None:
    code = (f'import sys; from heat.wsgi.{name} import application; '
            'sys.exit(any(m in sys.modules for m in ("oslo_config", "oslo_messaging", "heat.api")))')
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0
