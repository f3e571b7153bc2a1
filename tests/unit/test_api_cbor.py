"""CBOR: what botocore writes is read, what is written botocore reads, and nothing else costs anything."""

from __future__ import annotations

import contextlib
import datetime
import io
import math
import struct
from typing import Any

import pytest
from botocore.parsers import RpcV2CBORParser
from hypothesis import given, settings
from hypothesis import strategies as st

from heat.api import cbor

WHEN = datetime.datetime(2026, 11, 22, 10, 0, 0, 500000, tzinfo=datetime.UTC)
EVENING = datetime.datetime(2013, 3, 21, 20, 4, tzinfo=datetime.UTC)
TIMES = st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2900, 1, 1),
                     timezones=st.just(datetime.UTC))
# What botocore's parser makes no None and no local time of.
PLAIN = (st.booleans() | st.integers(-2**64, 2**64 - 1) | st.floats(allow_nan=False)
         | st.text(st.characters(exclude_categories=['Cs'])) | st.binary())


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text('abc'), inner),
                        max_leaves=20)


def near(one: Any, other: Any) -> bool:
    """Equal, times to the microsecond that a floating number holds."""
    if isinstance(one, datetime.datetime):
        return isinstance(other, datetime.datetime) and abs((one - other).total_seconds()) < 1e-4
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(near(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(near, one, other))
    return type(one) is type(other) and bool(one == other)


@settings(max_examples=50)
@given(nested(PLAIN | st.none() | TIMES))
def test_what_is_written_is_read_again(value: Any) -> None:
    assert near(value, cbor.loads(cbor.dumps(value)))


@settings(max_examples=50)
@given(nested(PLAIN))
def test_boto_reads_what_is_written(value: Any) -> None:
    parser = RpcV2CBORParser()
    assert parser.parse_data_item(io.BufferedReader(io.BytesIO(cbor.dumps(value)))) == value


# Appendix A of RFC 8949, as far as Smithy uses it.
@pytest.mark.parametrize(('encoded', 'value'), [
    ('00', 0), ('17', 23), ('1818', 24), ('1903e8', 1000), ('1bffffffffffffffff', 2**64 - 1), ('20', -1),
    ('3903e7', -1000), ('3bffffffffffffffff', -2**64), ('f90000', 0.0), ('f93e00', 1.5),
    ('fa47c35000', 100000.0),
    ('fb3ff199999999999a', 1.1), ('f90001', 5.960464477539063e-8), ('f97c00', math.inf), ('f4', False),
    ('f5', True), ('f6', None), ('f7', None), ('c11a514b67b0', EVENING),
    ('c1fb41d452d9ec200000', EVENING.replace(microsecond=500000)),
    ('4401020304', b'\x01\x02\x03\x04'), ('6449455446', 'IETF'), ('62c3bc', 'ü'), ('80', []),
    ('83010203', [1, 2, 3]),
    ('a26161016162820203', {'a': 1, 'b': [2, 3]}), ('5f42010243030405ff', b'\x01\x02\x03\x04\x05'),
    ('7f657374726561646d696e67ff', 'streaming'), ('9fff', []),
    ('9f018202039f0405ffff', [1, [2, 3], [4, 5]]),
    ('bf61610161629f0203ffff', {'a': 1, 'b': [2, 3]})])
def test_examples_of_the_standard(encoded: str, value: Any) -> None:
    assert cbor.loads(bytes.fromhex(encoded)) == value


@pytest.mark.parametrize(('encoded', 'why'), [
    ('', 'cut short'), ('18', 'cut short'), ('61', 'cut short'), ('83 01 02', 'cut short'),
    ('9f 01', 'cut short'),
    ('a1 61 61', 'cut short'), ('fb 00', 'cut short'), ('00 00', 'something follows'),
    ('ff', 'nothing here'),
    ('1c', 'impossible'), ('1f', 'impossible'), ('3f', 'impossible'), ('a1 01 02', 'no text'),
    ('a2 61 61 01 61 61 02', 'twice'), ('bf 61 61 ff', 'nothing here'),
    ('7f 41 61 ff', 'no string of its kind'),
    ('7f 7f ff ff', 'no string of its kind'), ('7f 61', 'cut short'), ('61 ff', 'utf-8'),
    ('e0', 'nothing here'),
    ('f8 20', 'nothing here'), ('c0 60', 'tag'), ('c2 41 01', 'tag'), ('d8 1d 00', 'tag'),
    ('c1 60', 'seconds'),
    ('c1 f5', 'seconds'), ('c1 f9 7e 00', 'NaN'), ('c1 fb 7f ef ff ff ff ff ff ff', 'range'),
    # Lengths of nearly 2**64 where a few bytes are.
    ('5b ff ff ff ff ff ff ff ff', 'cut short'), ('9b ff ff ff ff ff ff ff ff 00', 'cut short'),
    ('bb ff ff ff ff ff ff ff ff', 'cut short'), ('81' * 40 + '00', 'too deeply'),
    ('9f' * 40, 'too deeply'),
    ('c1' * 40 + '00', 'too deeply'), ('a16161' * 40 + '00', 'too deeply')])
def test_everything_else_is_refused(encoded: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        cbor.loads(bytes.fromhex(encoded))


def test_the_number_of_items_is_bounded() -> None:
    body = b'\x9f' + b'\x80' * cbor.ITEMS + b'\xff'
    with pytest.raises(ValueError, match='too many'):
        cbor.loads(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        cbor.loads(body)


def test_times_are_tagged_and_what_has_no_form_is_an_error() -> None:
    assert cbor.dumps(WHEN) == b'\xc1\xfb' + struct.pack('>d', WHEN.timestamp())
    for value in (2**64, -2**64 - 1):
        with pytest.raises(ValueError, match='64 bits'):
            cbor.dumps(value)
    with pytest.raises(TypeError, match='set'):
        cbor.dumps({1})
