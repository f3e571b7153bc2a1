"""Constraints: sentences, forms, and the named ones that need no cloud."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heat.schema import AllowedPattern, AllowedValues, Custom, Length, Modulo, Range, first_fault
from heat.schema.constraints_named import NAMED


@pytest.mark.parametrize(('constraint', 'value', 'fault'), [
    (Range(1, 5), 5, None), (Range(1, None), 0, '0 is out of range (min: 1, max: None)'),
    (Range(None, 5), 6, '6 is out of range (min: None, max: 5)'), (Range(1, 2), 'x', 'size is not a number'),
    (Length(5), 'x', 'length (1) is out of range (min: 5, max: None)'), (Length(1, 2), ['a'], None),
    (Length(None, 1), {'a': 1, 'b': 2}, 'length (2) is out of range'), (Length(1), 5, 'size has no length'),
    (Modulo(2, 1), 3, None), (Modulo(2, 1), 4, '4 is not a multiple of 2 with an offset of 1'),
    (Modulo(-3, -1), -4, None), (Modulo(2), float('inf'), 'inf is not a multiple'),
    (AllowedValues(allowed=('red', 'green', 'blue')), 'pink',
     '"pink" is not an allowed value ["red", "green", "blue"]'),
    (AllowedValues(allowed=(1, 2)), '2', None), (AllowedValues(allowed=('a', 'b')), ['a', 'b'], None),
    (AllowedValues(allowed=('a',)), ['a', 'c'], '["a", "c"] is not an allowed value ["a"]'),
    (AllowedPattern(pattern='[a-z]+'), 'abc', None),
    (AllowedPattern(pattern='[a-z]+'), 'abc1', '"abc1" does not match pattern "[a-z]+"'),
    (AllowedPattern(pattern='a'), 1, 'size is not a string'),
    (Custom(name='neutron.network'), 'any', None),
    (Custom(name='mac_addr'), 'x', "Error validating value 'x': Invalid MAC address."),
    (Range(1, 2, description='One or two.'), 3, 'One or two.'),
])
def test_check(constraint, value, fault):
    found = constraint.check(value, 'size')
    assert found == fault if fault is None else found.startswith(fault)


@pytest.mark.parametrize(('constraint', 'hot', 'cfn'), [
    (Range(1, 5), {'range': {'min': 1, 'max': 5}}, {'MinValue': 1, 'MaxValue': 5}),
    (Length(None, 5), {'length': {'max': 5}}, {'MaxLength': 5}),
    (Modulo(2, 1), {'modulo': {'step': 2, 'offset': 1}}, {'Step': 2, 'Offset': 1}),
    (AllowedValues(allowed=('a',)), {'allowed_values': ['a']}, {'AllowedValues': ['a']}),
    (AllowedPattern(pattern='a', description='d'), {'allowed_pattern': 'a', 'description': 'd'},
     {'AllowedPattern': 'a'}),
    (Custom(name='nova.flavor'), {'custom_constraint': 'nova.flavor'}, {'CustomConstraint': 'nova.flavor'}),
])
def test_forms(constraint, hot, cfn):
    assert constraint.render() == hot and constraint.to_parameter() == cfn


def test_the_first_fault_counts():
    assert first_fault([Length(1), AllowedPattern(pattern='x')], 'y') == '"y" does not match pattern "x"'
    assert first_fault([], 'y') is None


def test_the_sentence_of_a_failed_lookup():
    sentence = Custom(name='nova.flavor').message('m1', 'No such flavor.')
    assert sentence == "Error validating value 'm1': No such flavor."
    assert Custom(name='nova.flavor').needs_cloud and not Custom(name='ip_addr').needs_cloud


GOOD = {
    'ip_addr': ['10.0.0.1', '::1'], 'net_cidr': ['10.0.0.0/24', '10.0.0.5/24', 'fd00::/8'],
    'ip_or_cidr': ['10.0.0.1', '10.0.0.0/8'], 'mac_addr': ['fa:16:3e:00:00:01', 'FA-16-3E-00-00-01'],
    'dns_name': ['host', 'host.example.org', 'a.b.', ''], 'rel_dns_name': ['host', 'a.example.org.', ''],
    'dns_domain': ['example.org.', ''],
    'cron_expression': ['* * * * *', '*/5 0-6 1,15 jan-mar mon', '0 0 ? * 7'],
    'timezone': ['UTC', 'Europe/Berlin'], 'expiration': ['2030-01-01T00:00:00', '2030-01-01T00:00:00Z'],
    'iso_8601': ['PT5M', 'P1DT2H', '2030-01-01'], 'json_string': ['{"a": 1}', '[]'], 'test_constr': [0, 1.5],
    'zaqar.queue': ['q', 'a.b-c_1', 64 * 'q'],
}
BAD = {
    'ip_addr': ['10.0.0.256', 'x', None, []], 'net_cidr': ['10.0.0.0', '10.0.0.0/33', 'x/8', 5],
    'ip_or_cidr': ['x', '10.0.0.0/40'], 'mac_addr': ['fa:16:3e', 'fa:16:3e:00:00:0g', 'fa:16-3e:00:00:01'],
    'dns_name': ['-a.org', 'a..b', 'a.1', 'x' * 64, 'a.' * 200], 'rel_dns_name': ['a_b!', 'host.', 'a.12.'],
    'dns_domain': ['example.org', 'org.'],
    'cron_expression': ['* * * *', '61 * * * *', 'a b c d e', '*/0 * * * *', '5-1 * * * *',
                        '1-2-3 * * * *', '- * * * *'],
    'timezone': ['Nowhere/Land', '../etc/passwd'], 'expiration': ['tomorrow'],
    'iso_8601': ['P', 'PT', '5M', ''],
    'json_string': ['{', "{'a': 1}"], 'test_constr': ['x', True, -1],
    'zaqar.queue': ['', 'a b', 'a/b', 'a\n', 65 * 'q'],
}


@pytest.mark.parametrize('name', sorted(NAMED))
def test_named_constraints(name):
    assert [value for value in GOOD[name] if NAMED[name](value) is not None] == []
    assert [value for value in BAD[name] if not NAMED[name](value)] == []


@given(st.sampled_from(sorted(NAMED)), st.none() | st.booleans() | st.integers() | st.floats() | st.text()
       | st.lists(st.text(), max_size=2) | st.dictionaries(st.text(), st.text(), max_size=2))
def test_named_constraints_never_raise(name, value):
    assert NAMED[name](value) is None or isinstance(NAMED[name](value), str)
