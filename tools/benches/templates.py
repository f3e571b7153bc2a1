"""What a big template costs before anything is made: parse, compile, validate, graph; and what it
costs those who ask something else meanwhile.

Invariant: no server runs; CPU seconds of this process alone, each form in a fresh one, so that
nothing is found compiled. Neighbours: ``heat.engine.compiled`` and ``heat.engine.validate`` do the work.
"""
from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

NAME = 'template-10000'
SIZE = 10_000
HEAD = (f'{"template":<24} {"bytes":>9} {"parse":>7} {"compile":>8} {"settle":>7} {"validate":>9} '
        f'{"all, CPU s":>11}')
# What this project aims at, in CPU seconds.
AIMS = {'yaml': 4.0, 'json': 1.5}


def text(form: str) -> str:
    """About 2 MB: parameters, functions, references and dependencies in every resource."""
    lines = ['heat_template_version: 2018-08-31', 'parameters:',
             '  flavor: {type: string, default: m1.small}', 'resources:']
    for n in range(SIZE):
        params = f'{{$i: {n}, $f: {{get_param: flavor}}}}'
        lines += [f'  server_{n}:', '    type: OS::Heat::TestResource', '    properties:',
                  f'      value: {{str_replace: {{template: "n-$i-$f", params: {params}}}}}',
                  '      wait_secs: 0']
        if n >= 10:
            lines += [f'    depends_on: server_{n - 10}',
                      f'    metadata: {{peer: {{get_attr: [server_{n - 7}, output]}}}}']
    if form == 'yaml':
        return '\n'.join(lines)
    from heat.template.load import parse
    return json.dumps(parse('\n'.join(lines)))


def work(form: str) -> None:
    """Run in a process of its own: one line of figures."""
    from heat.common.context import RequestContext
    from heat.common.ids import StackId
    from heat.common.memory import collect_rarely
    from heat.engine.compiled import compile_all
    from heat.engine.validate import Validator
    from heat.template.load import parse
    source = text(form)
    # As the daemons do.
    collect_rarely()
    identity = StackId('t', 'bench', '00000000-0000-4000-8000-000000000000')
    spent: list[float] = []

    def timed(step: Callable[[], Any]) -> Any:
        started = time.process_time()
        made = step()
        spent.append(time.process_time() - started)
        return made

    tree = timed(lambda: parse(source))
    compiled = timed(lambda: compile_all(identity, tree, {}, {}))
    wanted = timed(compiled.wanted)
    validator = Validator(RequestContext(tenant_id='t'), finder=None, credential=None,
                          available=lambda service: True, policy=None, max_resources=-1, max_depth=5)
    # The graph is part of it: circles are looked for.
    timed(lambda: validator.stack(identity, compiled, wanted))
    print(f'{NAME + " " + form:<24} {len(source):>9} {spent[0]:>6.2f}s {spent[1]:>7.2f}s {spent[2]:>6.2f}s '
          f'{spent[3]:>8.2f}s {sum(spent):>9.2f}s  aim {AIMS[form]} s')


def wait(form: str) -> None:
    """Run in a process of its own: how long the hub was held while front-end and engine validated.

    Of the hub's own thread the CPU time between two turns of another green thread; what it waited
    for a processor, or for the interpreter while a real thread computed, is not in it.
    """
    from heat.common import green
    green.patch()
    from heat.api.rest.instantiation import Instantiation
    from heat.api.wsgi import Request, json_body
    from heat.bus.client import EngineClient
    from heat.bus.direct import Direct
    from heat.bus.server import EngineServer
    from heat.common import config
    from heat.common.context import RequestContext
    from heat.common.memory import collect_rarely
    from heat.engine.templates import Templates
    conf = config.load('heat-all', [], [], logging_setup=False)
    for name in ('max_template_size', 'max_json_body_size'):
        conf.set_override(name, 100_000_000)
    templates = Templates(conf, available=lambda context, kind: True, allowed=lambda context, name: True)

    class Endpoint:
        def dispatch(self, method: str, context: Any, arguments: dict[str, Any]) -> Any:
            return getattr(templates, method)(context, **arguments)

    port = Direct()
    EngineServer(port, conf, Endpoint(), 'bench').start()
    body = json.dumps({'template': text(form)}).encode()
    collect_rarely()
    held: list[float] = []
    done: list[Any] = []

    def others() -> None:
        while not done:
            started = time.thread_time()
            green.sleep(0.001)
            held.append(time.thread_time() - started)

    green.spawn(others)
    green.sleep(0)
    request = Request.blank('/', method='POST', body=body, content_type='application/json')
    data = Instantiation(json_body(request, len(body)) or {}, conf)
    done.append(EngineClient(port, conf).call(
        RequestContext(tenant_id='t'), 'validate_template', template=data.template, params=data.environment,
        files=data.files))
    green.sleep(0.002)
    assert 'Parameters' in done[0], done
    worst = ', '.join(f'{one * 1000:.0f}' for one in sorted(held, reverse=True)[:3])
    print(f'{NAME + " " + form:<24} {len(body):>9} the hub was held at most {worst} ms, aim 50 ms')


def measure() -> str:
    """The table."""
    lines = [HEAD]
    for step in ('work', 'wait'):
        for form in AIMS:
            done = subprocess.run(
                [sys.executable, '-c', f'from benches.templates import {step}; {step}("{form}")'],
                capture_output=True, text=True, check=True)
            lines.append(done.stdout.rstrip())
    return '\n'.join(lines)
