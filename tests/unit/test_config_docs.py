from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from cohort_tables import PUBLISHED, ROOT
from residua.cli import app
from residua.config_docs import PAGE, SCHEMA, generated, require_current, write_docs
from residua.errors import ResiduaError
from residua.settings.study import Study


def test_the_files_of_the_repository_are_what_the_models_and_config_say() -> None:
    require_current(ROOT, PUBLISHED, app)


def test_every_key_of_the_published_configuration_is_explained_with_its_value() -> None:
    page = generated(PUBLISHED, app)[PAGE]
    assert "| `networks.nnunet.epochs` | integer ≥ 1 | `1000` | Epochs of training. |" in page
    assert "| `classification.residual_tumor_ml` | number > 0 | `0.175` |" in page
    assert "| `registration.within_session.working_spacing_mm` | number > 0 or null | `3.0` |" in page
    assert '| `holdout` | list of identifier, each once or section | `["AMS"]` |' in page
    assert "| `networks` | section |  |" in page


def keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        kinds = (field.annotation, *getattr(field.annotation, "__args__", ()))
        nested = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        found.append(prefix + name)
        is_map = getattr(field.annotation, "__origin__", None) is dict
        found += [key for kind in nested for key in keys(kind, f"{prefix}{name}.{'*.' if is_map else ''}")]
    return found


def test_every_field_of_the_models_has_one_row_with_a_meaning() -> None:
    rows = [line.split(" | ") for line in generated(PUBLISHED, app)[PAGE].splitlines() if line.startswith("| `")]
    assert [row[0].strip("| `") for row in rows] == keys(Study)
    assert all(row[-1].strip("| ") for row in rows)


def test_the_schema_refuses_unknown_keys() -> None:
    schema = json.loads(generated(PUBLISHED, app)[SCHEMA])
    assert schema["additionalProperties"] is False
    assert all(definition["additionalProperties"] is False for definition in schema["$defs"].values())


def test_drift_names_each_file_and_the_command(tmp_path: Path) -> None:
    with pytest.raises(
        ResiduaError,
        match=r"config\.schema\.json, docs/reference/config\.md, docs/explanation/deviations\.md, "
        r"docs/reference/checks\.md, docs/reference/metrics\.md, docs/reference/cli\.md: .*run: residua",
    ):
        require_current(tmp_path, PUBLISHED, app)
    write_docs(tmp_path, PUBLISHED, app)
    require_current(tmp_path, PUBLISHED, app)
    with pytest.raises(ResiduaError, match=r"^docs/reference/config\.md: out of date"):
        require_current(tmp_path, {**PUBLISHED, "version": 2}, app)
