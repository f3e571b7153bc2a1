"""The version of this package, read by setup.cfg, ``--version`` and the API."""

VERSION = '1.0.0'
