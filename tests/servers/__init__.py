"""Real servers for the tests: RabbitMQ, MariaDB, PostgreSQL, Keystone and a whole OpenStack.

Every server listens on loopback on a free port, keeps its data in a directory of its own, runs as an
unprivileged user where root is refused, and leaves nothing behind after `stop()`. A server that
cannot be had raises `Unavailable` with the reason; the fixtures in tests/conftest.py make a skip of
it, or a failure where HEAT_TEST_REQUIRE_SERVERS=1.
"""
