"""What a question to the world is about, as a value."""

from typing import Any

Fact = tuple[Any, Any]
"""(type, key) an object; (type, None) the keys of a table; (Index, value) a part of an index; (view, argument)."""
