"""What the daemons note: each answer in a line, and nothing that lets a reader in."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest
import sqlalchemy.pool
import webob

from heat.cmd import serving
from heat.common import logs
from heat.db.pool import ThreadPool


@pytest.mark.parametrize(('path', 'line', 'level'), [
    ('/v1/p/stacks?limit=2', 'GET /v1/p/stacks: 404 in ', logging.INFO),
    ('/v1/waitcondition/arn%3Aa?Signature=hunter2', 'GET /v1/waitcondition/arn:a: 404 in ', logging.INFO),
    ('/v1/a%0Ab%C3%BC', 'GET /v1/a%0Ab%C3%BC: 404 in ', logging.INFO),
    ('/healthcheck/live', 'GET /healthcheck/live: 404 in ', logging.DEBUG)])
def test_each_answer_is_a_line(caplog: pytest.LogCaptureFixture, path: str, line: str, level: int) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response('404 Not Found', [])
        return [b'none']

    caplog.set_level(logging.DEBUG, 'heat.cmd.serving')
    answer = webob.Request.blank(path, remote_addr='192.0.2.7').get_response(serving.recorded(application))
    assert (answer.status_int, answer.body) == (404, b'none')
    (record,) = caplog.records
    assert record.getMessage().startswith(f'192.0.2.7 {line}')
    assert record.levelno == level


def test_a_line_belongs_to_the_request_that_the_client_was_told(capsys: pytest.CaptureFixture[str]) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response('200 OK', [('X-OpenStack-Request-Id', 'req-7')])
        return []

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logs.Lines())
    logger = logging.getLogger('heat.cmd.serving')
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        webob.Request.blank('/').get_response(serving.recorded(application))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert '[request=req-7] - GET /: 200 in ' in capsys.readouterr().err


def test_connections_of_the_database_are_noted_as_the_library_notes_its_own() -> None:
    pool = ThreadPool(lambda: None)
    assert pool.logger.name.startswith(sqlalchemy.pool.__name__)
