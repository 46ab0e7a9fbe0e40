"""Python's types of the API: the schemas of an OpenAPI document as TypedDicts, in one module's text."""
import keyword
import textwrap

COLUMNS = 120
HEAD = '''"""The API's requests and answers as types. Made from /openapi.json by clients/types/make: do not edit."""
from __future__ import annotations

from typing import Any, Dict, List, Literal, Optional, TypedDict, Union
'''
NAMES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


class Module:
    """The classes and aliases, as they are found; a nested object comes before the one that it is in."""

    def __init__(self):
        self.parts = []

    def type_of(self, schema, name, quoted):
        """The annotation of a schema. name: of the class that it becomes if it is an object with properties."""
        if "$ref" in schema:
            target = schema["$ref"].rsplit("/", 1)[1]
            return f'"{target}"' if quoted else target
        text, nullable = self.plain(schema, name, quoted), may_be_null(schema)
        return f"Optional[{text}]" if nullable and text not in ("Any", "None") else text

    def plain(self, schema, name, quoted):
        """The annotation, apart from null."""
        types = [one for one in types_of(schema) if one != "null"]
        if "enum" in schema:
            return "Literal[" + ", ".join(f'"{one}"' for one in schema["enum"] if one is not None) + "]"
        for union in ("anyOf", "oneOf"):
            if union in schema:
                parts = [self.type_of(one, name, quoted) if "$ref" in one else self.plain(one, name, quoted)
                         for one in schema[union]]
                return f"Union[{', '.join(parts)}]"
        if types == ["array"]:
            return f"List[{self.type_of(schema.get('items', {}), name, quoted)}]"
        if types == ["object"]:
            return self.object(schema, name, quoted)
        if types == ["string"] and schema.get("format") == "binary":
            return "bytes"
        if types_of(schema) == ["null"]:
            return "None"
        return NAMES.get(types[0], "Any") if len(types) == 1 else "Any"

    def object(self, schema, name, quoted):
        if "properties" in schema:
            self.add_class(name, schema)
            return f'"{name}"' if quoted else name
        values = schema.get("additionalProperties")
        return f"Dict[str, {self.type_of(values, name, quoted) if isinstance(values, dict) else 'Any'}]"

    def fields(self, name, properties):
        lines = []
        for field, schema in properties.items():
            lines += commented(wrapped(f"    {field}: ", self.type_of(schema, inner_name(name, field), False)),
                               schema.get("description", ""))
        return lines or ["    pass"]

    def group(self, name, outer, properties, total):
        """A TypedDict; by a call if a field's name is a keyword."""
        rest = "" if total else ", total=False"
        if all(field.isidentifier() and not keyword.iskeyword(field) for field in properties):
            return [f"class {name}(TypedDict{rest}):", *self.fields(outer, properties)]
        lines = [f'{name} = TypedDict("{name}", {{']
        for field, schema in properties.items():
            lines += wrapped(f'    "{field}": ', self.type_of(schema, inner_name(outer, field), True) + ",")
        return [*lines, f"}}{rest})"]

    def add_class(self, name, schema):
        required = schema.get("required", [])
        must = {field: one for field, one in schema["properties"].items() if field in required}
        may = {field: one for field, one in schema["properties"].items() if field not in required}
        if must and may:
            lines = [*self.group(f"_{name}Required", name, must, True), "", "",
                     f"class {name}(_{name}Required, total=False):", *self.fields(name, may)]
        else:
            lines = self.group(name, name, must or may, not may)
        self.parts.append("\n".join(lines))

    def add(self, name, schema):
        if "properties" in schema:
            self.add_class(name, schema)
        else:
            self.parts.append("\n".join(wrapped(f"{name} = ", self.type_of(schema, name, True))))


def commented(lines, text):
    """With a comment behind a single line if there is room, else above."""
    beside = f"{lines[0]}  # {text}"
    if text and len(lines) == 1 and len(beside) <= COLUMNS:
        return [beside]
    return [*(f"    # {line}" for line in textwrap.wrap(text, COLUMNS - 6)), *lines]


def types_of(schema):
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else types


def may_be_null(schema):
    return "null" in types_of(schema) or any(map(may_be_null, schema.get("anyOf", []) + schema.get("oneOf", [])))


def inner_name(name, field):
    """The name of the class of an object in a field."""
    return name + "".join(word.capitalize() for word in field.split("_"))


def wrapped(begin, text):
    """The text behind `begin`, with line ends after commas if it is too long."""
    indent = " " * (len(begin) + text.find("[") + 1)
    return textwrap.wrap(begin + text, COLUMNS, subsequent_indent=indent, break_long_words=False,
                         break_on_hyphens=False)


def python_types(document):
    module = Module()
    for name, schema in document["components"]["schemas"].items():
        module.add(name, schema)
    return HEAD + "".join(f"\n\n{part}\n" for part in module.parts)
