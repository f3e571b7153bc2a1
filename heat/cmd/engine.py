"""heat-engine: engine processes as a daemon.

Purpose: several engines, each with its own connection to the bus and the
database. Invariant: green before any other import. Neighbours: ``engine.app`` is
the engine; ``serving`` supervises the processes.
"""

from heat.common import green

green.patch()

import logging
import os
import sys
from collections.abc import Sequence

from oslo_config import cfg

from heat.cmd import serving
from heat.common import config
from heat.common.memory import collect_rarely
from heat.db import migrate

LOG = logging.getLogger(__name__)
PROG = 'heat-engine'


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop; the exit status. ``argv`` are the arguments, None this process's."""
    try:
        conf = config.load(PROG, argv)
        if conf.bus.mode == 'direct':
            raise config.ConfigError('[bus] mode = direct is for heat-all: nobody could reach this engine.')
    except serving.CONFIGURATION_ERRORS as error:
        return serving.complain(PROG, error)

    def work(stop: serving.Stop) -> None:
        from heat.engine.app import Engine
        # Read again here: after SIGHUP the files may say something else.
        conf = config.load(PROG, argv)
        collect_rarely()
        port = serving.connected(conf)
        engine = Engine(conf, port)
        migrate.require(engine.database)
        engine.start()
        LOG.info('%s is ready as engine %s', PROG, engine.engine_id)
        stop.wait()
        engine.stop(conf.engine.graceful_stop_timeout)
        port.close()

    def size(conf: cfg.ConfigOpts) -> serving.Size:
        return serving.Size(conf.num_engine_workers or max(4, os.cpu_count() or 1),
                            conf.engine.graceful_stop_timeout)

    return serving.Supervisor(PROG, size(conf), work, lambda: size(config.load(PROG, argv))).run()


if __name__ == '__main__':
    sys.exit(main())
