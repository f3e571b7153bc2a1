"""AWS types."""

from heat.resources.aws.cloudformation import Stack
from heat.resources.base import Resource

TYPES: dict[str, type[Resource]] = {cls.type: cls for cls in (Stack,)}
