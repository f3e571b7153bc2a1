"""Options: the interface that existing heat.conf files rely on, and what load() makes of files."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import oslo_cache
import pytest
import yaml
from oslo_config import cfg

from heat.common import config
from heat.common.policy_rules import CLOUDWATCH, OWN_CFN, OWN_REST, OWN_SSM
from heat.engine.app import operator_layers
from heat.engine.documents import HostFiles
from heat.resources.aws.load_balancer import LoadBalancer
from heat.resources.provider import TemplateResource
from heat.resources.types import TypeTable

ROOT = Path(__file__).resolve().parents[2]
RECORDED: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (ROOT / 'tests/data/config_options.json').read_text())
OURS = {(group, option.dest): option for group, options in config.list_opts() for option in options}


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def load(text: str, prog: str = 'heat-engine', **extra: Any) -> cfg.ConfigOpts:
        path = tmp_path / 'heat.conf'
        path.write_text(text)
        return config.load(prog, [], [str(path)], logging_setup=False, **extra)
    return load


@pytest.mark.parametrize('group', sorted(RECORDED))
def test_options_equal_the_recorded_interface(group: str) -> None:
    for name, want in RECORDED[group].items():
        option = OURS[group, name]
        kind: Any = option.type
        default = option.sample_default if want.get('default_is_sample') else option.default
        regex = getattr(kind, 'regex', None)
        have = {
            'type': getattr(kind, '__name__', type(kind).__name__) if kind is str else type(kind).__name__,
            'default': default, 'min': getattr(kind, 'min', None), 'max': getattr(kind, 'max', None),
            'choices': list(kind.choices) if getattr(kind, 'choices', None) else None,
            'regex': regex.pattern if regex else None, 'schemes': getattr(kind, 'schemes', None) or None,
            'secret': bool(option.secret),
            'for_removal': bool(option.deprecated_for_removal)}
        expected = {
            'type': 'str' if want['type'] == 'type' and kind is str else want['type'],
            **{key: want.get(key) for key in ('default', 'min', 'max', 'choices', 'regex', 'schemes')},
            'secret': want.get('secret', False),
            'for_removal': 'deprecated_for_removal' in want}
        assert have == expected, f'[{group}] {name}'
        if 'item_type' in want:
            assert type(kind.item_type).__name__ == want['item_type'], f'[{group}] {name}'
        before = {old['name'] for old in want.get('deprecated_names', ())}
        assert before <= {old.name for old in option.deprecated_opts}, f'[{group}] {name}'


def test_all_of_the_interface_is_recorded() -> None:
    assert sum(len(options) for options in RECORDED.values()) == 247


def test_every_option_says_what_it_does() -> None:
    for (group, name), option in OURS.items():
        assert option.help, f'[{group}] {name}'
        if group not in ('ec2authtoken', 'trustee'):  # keystoneauth's words
            assert len(option.help) > 20 and option.help.endswith('.'), f'[{group}] {name}'


def test_names_from_early_releases_still_work(written: Any) -> None:
    conf = written('[DEFAULT]\nsql_connection = mysql://x/heat\nsql_idle_timeout = 9\nbind_port = 9004\n'
                   'stack_user_domain = d\nverbose = true\n')
    assert conf.database.connection == 'mysql://x/heat'
    assert conf.database.connection_recycle_time == 9
    assert conf.heat_api.bind_port == 9004
    assert conf.stack_user_domain_id == 'd'


def test_values_that_are_not_supported_stop_the_start(written: Any) -> None:
    with pytest.raises(config.ConfigError, match=r'cloud_backend = my\.Clients is not supported'):
        written('[DEFAULT]\ncloud_backend = my.Clients\n')
    with pytest.raises(config.ConfigError, match='backend = mongo'):
        written('[database]\nbackend = mongo\n')
    with pytest.raises(config.ConfigError, match='lease_beat_interval'):
        written('[engine]\nlease_ttl = 8\nlease_beat_interval = 4\n')
    with pytest.raises(config.ConfigError, match=r'heat.conf: \[engine\] on_engine_death is not valid'):
        written('[engine]\non_engine_death = shrug\n')


def test_options_without_effect_are_reported(written: Any, caplog: pytest.LogCaptureFixture) -> None:
    written('[database]\nslave_connection = mysql://replica/heat\n')
    assert '[database] slave_connection is set, but has no effect.' in caplog.text
    assert 'replica' not in caplog.text


def test_the_current_key_comes_before_earlier_ones(written: Any) -> None:
    conf = written('[DEFAULT]\nauth_encryption_key = new\n'
                   'previous_auth_encryption_keys = old\nprevious_auth_encryption_keys = older\n')
    assert config.encryption_keys(conf) == ['new', 'old', 'older']


def test_configurations_are_independent(written: Any) -> None:
    first = written('[engine]\nlease_ttl = 30\n')
    second = config.load('heat-api', [], [], logging_setup=False)
    assert (first.engine.lease_ttl, second.engine.lease_ttl) == (30, 20)
    config.register(second)


def test_the_command_line_names_files_and_own_options(tmp_path: Path) -> None:
    (tmp_path / 'a.conf').write_text('[DEFAULT]\nhost = from-a\nmax_stacks_per_tenant = 7\n')
    (tmp_path / 'd').mkdir()
    (tmp_path / 'd' / 'b.conf').write_text('[DEFAULT]\nhost = from-b\n')
    conf = config.load('heat-manage', [
        '--config-file', str(tmp_path / 'a.conf'), '--config-dir', str(tmp_path / 'd'), '--debug',
        '--age', '3'],
        cli_opts=[cfg.IntOpt('age')], logging_setup=False)
    assert (conf.host, conf.max_stacks_per_tenant, conf.debug, conf.age) == ('from-b', 7, True, 3)


def test_files_are_found_by_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / '.heat').mkdir()
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / '.heat' / 'heat-engine.conf').write_text('[DEFAULT]\nhost = engine-file\n')
    assert config.load('heat-manage', [], logging_setup=False).host == 'engine-file'
    assert config.load('heat-api', [], logging_setup=False).host != 'engine-file'


def _own_blocks(text: str) -> dict[str, str]:
    """Section -> the text under "From heat"; sections whose options libraries define are left out."""
    blocks = {}
    for section in re.split(r'(?m)^(?=\[)', text):
        name = section.split('\n', 1)[0].strip('[]')
        found = re.search(r'# From heat\n#\n(.*?)(?=\n#\n# From |\Z)', section, re.S)
        if found and name not in ('ec2authtoken', 'trustee'):
            blocks[name] = found[1].strip()
    return blocks


def test_the_sample_files_are_current(tmp_path: Path) -> None:
    subprocess.run([sys.executable, '-W', 'ignore', str(ROOT / 'tools/sample-config'), str(tmp_path)],
                   check=True, timeout=60)
    made = _own_blocks((tmp_path / 'heat.conf.sample').read_text())
    kept = _own_blocks((ROOT / 'etc/heat/heat.conf.sample').read_text())
    assert made == kept, 'run tools/sample-config'
    assert len(made) > 30
    policies = [(where / 'policy.yaml.sample').read_text() for where in (tmp_path, ROOT / 'etc/heat')]
    rules = [re.findall(r'(?m)^#?"(.*)": "(.*)"$', text) for text in policies]
    assert rules[0] == rules[1], 'run tools/sample-config'
    assert len(rules[0]) == 100 + len(CLOUDWATCH) + len(OWN_CFN) + len(OWN_SSM) + len(OWN_REST)


def test_the_pipelines_keep_names_and_order() -> None:
    paste = configparser.ConfigParser()
    paste.read(ROOT / 'etc/heat/api-paste.ini')
    assert paste['composite:api']['default'].split() == [
        'cors', 'request_id', 'faultwrap', 'http_proxy_to_wsgi', 'versionnegotiation', 'authurl', 'authtoken',
        'context', 'apiv1app']
    assert paste['composite:api']['custombackend'].split() == [
        'cors', 'request_id', 'context', 'faultwrap', 'versionnegotiation', 'custombackendauth', 'apiv1app']
    assert paste['composite:api-cfn']['standalone'].split() == [
        'cors', 'request_id', 'http_proxy_to_wsgi', 'cfnversionnegotiation', 'ec2authtoken', 'context',
        'apicfnv1app']
    sections = set(paste.sections())
    for name in ('api', 'api-cfn', 'api-cloudwatch'):
        for flavor, line in paste[f'composite:{name}'].items():
            if not flavor.startswith('paste.'):
                *filters, application = line.split()
                assert {f'filter:{each}' for each in filters} | {f'app:{application}'} <= sections


def test_the_log_file_gets_masked_lines(tmp_path: Path) -> None:
    program = (
        'import sys, logging\n'
        'from heat.common import config, logs\n'
        'config.load("heat-engine", sys.argv[1:], [])\n'
        'with logs.bind(request="req-1"):\n'
        '    logging.getLogger("heat.x").warning("password=%s", "pw9")\n'
        'logging.getLogger("heat.x").debug("detail")\n')

    def lines(*arguments: str) -> str:
        path = tmp_path / f'{len(arguments)}.log'
        subprocess.run([sys.executable, '-W', 'ignore', '-c', program, '--log-file', str(path), *arguments],
                       check=True, timeout=60, cwd=ROOT)
        return path.read_text()

    assert lines().endswith(' WARNING heat.x [request=req-1] password=***\n')
    first, second = lines('--use-json', '--debug').splitlines()[-2:]
    assert json.loads(first)['message'] == 'password=***'
    assert (json.loads(first)['request'], json.loads(second)['message']) == ('req-1', 'detail')


def test_the_shipped_environment_and_templates_equal_the_recorded_ones() -> None:
    recorded = json.loads((ROOT / 'tests/data/shipped_files.json').read_text())
    environment = yaml.safe_load((ROOT / 'etc/heat/environment.d/default.yaml').read_text())
    # The alarm is a type of its own here, as it was at first.
    alarm = {'AWS::CloudWatch::Alarm': 'file:///etc/heat/templates/AWS_CloudWatch_Alarm.yaml'}
    assert {'resource_registry': {**environment['resource_registry'], **alarm}} == {
        'resource_registry': recorded['environment']}
    assert not alarm.keys() & environment['resource_registry'].keys()
    for name, want in recorded['templates'].items():
        template = yaml.safe_load((ROOT / 'etc/heat/templates' / name).read_text())
        assert template['HeatTemplateFormatVersion'] == want['version']['HeatTemplateFormatVersion']
        for parameter in template['Parameters'].values():
            assert parameter.pop('Description')
        assert template['Parameters'] == want['parameters']
        assert {key: value['Type'] for key, value in template['Resources'].items()} == want['resources']
        assert sorted(template.get('Outputs', {})) == want['outputs']


def test_a_template_of_the_operator_takes_the_place_of_the_classic_load_balancer(
        written: Any, tmp_path: Path) -> None:
    template = tmp_path / 'balancer.yaml'
    template.write_text('heat_template_version: 2018-08-31\noutputs: {DNSName: {value: here}}\n')
    named = 'AWS::ElasticLoadBalancing::LoadBalancer'
    for text, kind in ((f'loadbalancer_template = {template}\n', TemplateResource), ('', LoadBalancer)):
        conf = written(f'[DEFAULT]\nenvironment_dir = {tmp_path}/none\n{text}')
        types = TypeTable(operator_layers(conf), files=HostFiles({}, str(tmp_path)))
        assert issubclass(types(named, 'b'), kind)


def test_a_choice_that_is_not_built_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / 'heat.conf'
    path.write_text('[engine]\non_engine_death = fail\n')
    with pytest.raises(config.ConfigError, match='on_engine_death = fail is not supported'):
        config.load('heat-engine', argv=[], config_files=[str(path)], logging_setup=False)


def test_the_section_cache_is_shared_with_the_filter_that_checks_tokens(written):
    conf = written('[cache]\nenabled = true\n', 'heat-api')
    # As keystonemiddleware does when the pipeline of an API is built.
    oslo_cache.configure(conf)
    assert conf.cache.enabled
