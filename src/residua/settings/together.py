"""Check what settings say about each other although some of them cannot be read: all faults are told in one round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

Settings = TypeVar("Settings", bound=BaseModel)
Key = tuple[int | str, ...]
"""The key of a section; empty for the whole."""


def contradictions(model: type[Settings], found: Mapping[Any, Any]) -> dict[Key, str]:
    """Return by section what its validators refuse, as far as they can judge without the unreadable values.

    pydantic runs them only where every value of the section is right, and stops at the first that raises.
    """
    faults: dict[Key, str] = {}
    _readable(model, found, (), faults)
    return faults


def _readable(model: type[Settings], found: Mapping[Any, Any], key: Key, faults: dict[Key, str]) -> Settings:
    """Return a section that lacks the attributes of its unreadable values, and add its contradictions to ``faults``."""
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        section = _section_of(field)
        if name not in found:
            continue
        if section is not None and isinstance(found[name], Mapping):
            values[name] = _readable(section, found[name], (*key, name), faults)
            continue
        kind: Any = Annotated[field.annotation, field]
        with suppress(ValidationError):
            values[name] = TypeAdapter(kind).validate_python(found[name])
    readable = model.model_construct(**values)
    for name in set(found) - set(values):
        # model_construct put its default there.
        readable.__dict__.pop(name, None)
    refusals = "; ".join(_refusals(readable))
    if refusals:
        faults[key] = refusals
    return readable


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    if get_origin(field.annotation) is dict:
        # Its keys are names and not fields.
        return None
    kinds = (field.annotation, *get_args(field.annotation))
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return models[0] if len(models) == 1 else None


def _refusals(section: BaseModel) -> Iterator[str]:
    for validator in type(section).__pydantic_decorators__.model_validators.values():
        try:
            validator.func(section)
        except ValueError as error:
            yield str(error)
        except AttributeError:
            # It asks for a value that cannot be read, which is told by itself.
            continue
