"""The part of values.schema.json that follows from settings.py; run as a program it writes that part.

`python tests/chart/settings_schema.py`
"""

import json
import re
from pathlib import Path
from typing import Any

from ovnloom.settings import Settings

CHART = Path(__file__).resolve().parents[2] / "charts" / "ovnloom"
FILE = CHART / "values.schema.json"
KEPT = ("type", "enum", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "pattern", "anyOf")


def camel(name: str) -> str:
    """The name of a setting in values: ovn_nb is ovnNb."""
    return re.sub(r"_(.)", lambda found: found[1].upper(), name)


def wanted() -> dict[str, Any]:
    """What the schema has to say of each setting, by its name in values."""
    return {camel(name): about(schema) for name, schema in Settings.model_json_schema()["properties"].items()}


def about(schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": schema["description"], **{key: schema[key] for key in KEPT if key in schema}}


def written() -> dict[str, Any]:
    """What the schema says of each setting."""
    found: dict[str, Any] = json.loads(FILE.read_text())
    return settings(found)["properties"]  # type: ignore[no-any-return]  # JSON


def settings(schema: dict[str, Any]) -> dict[str, Any]:
    return schema["properties"]["controller"]["properties"]["settings"]  # type: ignore[no-any-return]  # JSON


def main() -> None:
    """The file says what settings.py says."""
    schema = json.loads(FILE.read_text())
    settings(schema)["properties"] = wanted()
    FILE.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
