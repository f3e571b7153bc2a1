"""Names in configuration files that nobody reads, when it can be told which was meant.

Purpose: oslo.config passes over what it does not know, so a typing error changes
nothing and says nothing. Invariant: only what is close to a name of ours, or stands in
another section than it belongs to, is told; files serve other libraries too.
Neighbours: ``config.load`` warns with it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from oslo_config import cfg

CUTOFF = 0.85
Sections = Mapping[str, Sequence[cfg.Opt]]


def sentences(conf: cfg.ConfigOpts, ours: Sections, open_sections: frozenset[str]) -> list[str]:
    """What is probably misspelt in the files that ``conf`` was read from.

    ``ours``: the options by section; ``open_sections``: those where a plugin reads more than these.
    """
    known = _known(ours)
    return [sentence for path in _files(conf) for section, names in _written(path).items()
            for sentence in _about(conf, path, section, names, known, ours, open_sections)]


def _files(conf: cfg.ConfigOpts) -> list[str]:
    directories = [str(path) for name in conf.config_dir or () for path in sorted(Path(name).glob('*.conf'))]
    return [*(conf.config_file or ()), *directories]


def _written(path: str) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {}
    cfg.ConfigParser(path, sections).parse()
    return sections


def _known(ours: Sections) -> dict[str, set[str]]:
    """Names by section, those of earlier releases with them."""
    known: dict[str, set[str]] = {section: set() for section in ours}
    for section, options in ours.items():
        for option in options:
            known[section] |= {option.name, option.dest}
            for old in option.deprecated_opts:
                known.setdefault(old.group or section, set()).update(filter(None, (old.name,)))
    return known


def _about(conf: cfg.ConfigOpts, path: str, section: str, names: Mapping[str, Any],
           known: Mapping[str, set[str]], ours: Sections,
           open_sections: frozenset[str]) -> Iterator[str]:
    if section not in known:
        meant = difflib.get_close_matches(section, ours, 1, CUTOFF)
        if meant:
            yield f'{path}: nobody reads section [{section}]; [{meant[0]}] was probably meant.'
        return
    if section in open_sections or section not in ours:
        # Of a section that only names of earlier releases stand in, other libraries read more.
        return
    read = conf if section == 'DEFAULT' else conf[section]
    for name in names:
        if name in known[section] or name.replace('-', '_') in read:
            continue
        elsewhere = sorted(other for other in known if name in known[other] and other not in open_sections)
        meant = difflib.get_close_matches(name, known[section], 1, CUTOFF)
        if meant:
            yield f'{path}: nobody reads [{section}] {name}; {meant[0]} was probably meant.'
        elif len(elsewhere) == 1:
            yield f'{path}: nobody reads [{section}] {name}; it belongs into section [{elsewhere[0]}].'
