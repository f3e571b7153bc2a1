"""Everything that speaks to OpenStack; ``performer`` is the door the engine uses."""
