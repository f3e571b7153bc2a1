"""Tests by room: unit, sim, wire, parity, functional, integration, cloud; `servers` starts real servers."""
