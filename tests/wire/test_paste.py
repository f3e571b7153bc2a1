"""Every paste file that was ever shipped still loads, and serves."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from heat.api import deploy, wiring
from heat.common import config
from tests.wire import conftest
from tests.wire.engine import Engine

DATA = json.loads((pathlib.Path(__file__).parents[1] / 'data' / 'paste_revisions.json').read_text())
NAMES = ('heat-api', 'heat-api-cfn', 'heat-api-cloudwatch')
SHIPPED = [pytest.param(revision, name, id=f'{file} of {revision["since"]}: {name}')
           for file in sorted(DATA) if file != '_meta' for revision in DATA[file]
           for name in NAMES if name in {**revision.get('pipeline', {}), **revision.get('composite', {})}]


def written(revision: dict[str, Any]) -> str:
    lines = []
    for kind, sections in revision.items():
        for name, options in (sections.items() if isinstance(sections, dict) else ()):
            lines.append(f'[{kind}:{name}]')
            lines += [f'{key} = {value}' for key, value in options.items()]
    return '\n'.join(lines)


def loaded(directory: pathlib.Path, paste: str, name: str, url: str, flavor: str = '') -> Any:
    (directory / 'api-paste.ini').write_text(paste)
    (directory / 'policy.yaml').write_text('{}\n')
    file = directory / 'heat.conf'
    file.write_text(conftest.HEAT_CONF.format(
        url=url, flavor=flavor, more='', password='x', directory=directory,
        paste=directory / 'api-paste.ini'))
    conf = config.load(name, [], [str(file)], logging_setup=False)
    wiring.configure(conf, Engine())
    return deploy.load_app(conf, name)


@pytest.mark.parametrize(('revision', 'name'), SHIPPED)
def test_shipped_paste_files_load(revision: dict[str, Any], name: str, identity: Any,
                                  tmp_path: pathlib.Path) -> None:
    world = conftest.World(loaded(tmp_path, written(revision), name, identity[1]), Engine(), *identity)
    assert world.ask('GET', '/').status_int == 300
    refused = world.ask('GET', '/v1/p/stacks' if name == 'heat-api' else '/v1/?Action=X')
    assert refused.status_int == (401 if name == 'heat-api' else 400)


def test_missing_parts_are_named(identity: Any, tmp_path: pathlib.Path) -> None:
    with pytest.raises(deploy.PasteError, match='Unable to load heat-api from'):
        loaded(tmp_path, '[pipeline:other]\npipeline = x\n', 'heat-api', identity[1])
    with pytest.raises(deploy.PasteError, match='no pipeline for flavor strange'):
        loaded(tmp_path, '[composite:heat-api]\npaste.composite_factory = heat.api:pipeline_factory\n'
                         'default = x\n', 'heat-api', identity[1], flavor='strange')


def test_missing_file_is_named(tmp_path: pathlib.Path) -> None:
    file = tmp_path / 'heat.conf'
    file.write_text(f'[paste_deploy]\napi_paste_config = {tmp_path}/none.ini\n')
    conf = config.load('heat-api', [], [str(file)], logging_setup=False)
    with pytest.raises(deploy.PasteError, match=r'none\.ini was not found'):
        deploy.paste_file(conf)


def test_a_file_that_is_no_paste_file_is_named(identity: Any, tmp_path: pathlib.Path) -> None:
    for text in ('pipeline = x\n', '[a]\n[a]\n', '[a]\n%%% no value\n'):
        with pytest.raises(deploy.PasteError, match=r'The paste file .+ cannot be read: '):
            loaded(tmp_path, text, 'heat-api', identity[1])
