"""The stories that several test modules tell: their assertions shall tell values too."""
import pytest

pytest.register_assert_rewrite('tests.functional.flows')
