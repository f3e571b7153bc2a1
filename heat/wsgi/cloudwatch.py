"""The CloudWatch-compatible API for a web server: ``heat.wsgi.cloudwatch:application``.

Neighbours: ``wsgi.lazy`` composes it at the first request.
"""

from functools import partial

from heat.wsgi.lazy import Lazy, compose

application = Lazy(partial(compose, 'heat-api-cloudwatch'))
