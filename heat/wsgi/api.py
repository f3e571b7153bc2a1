"""The orchestration API for a web server: ``heat.wsgi.api:application``.

Neighbours: ``wsgi.lazy`` composes it at the first request.
"""

from functools import partial

from heat.wsgi.lazy import Lazy, compose

application = Lazy(partial(compose, 'heat-api'))
