"""The OpenAPI document of the emulated API, built from the request schemas. Pure."""

from collections.abc import Mapping
from typing import Any

from batchgen.emulator.models import SIDE_FIELDS, Model, Models
from batchgen.schemas import Schema

CREATE_PATH = "/model/v1/generation"
TASK_PATH = "/model/v1/generation/task/{task_id}"
FILE_PATH = "/files/{name}"
PREVIEW_PATH = "/model/v1/generation/precharge"
MODELS_PATH = "/model/v1/models/skill/search"
UPLOAD_PATH = "/storage/files"
UPLOADED_PATH = "/storage/files/{name}"

_TEXT: Schema = {"type": "string"}
_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": _TEXT, "message": _TEXT},
        }
    },
}
_CREATED: Schema = {
    "type": "object",
    "required": ["id", "status", "model", "created_at"],
    "properties": {"id": _TEXT, "status": _TEXT, "model": _TEXT, "created_at": {"type": "integer"}},
}
_CONTENT: Schema = {
    "type": "object",
    "required": ["type", "url", "jobId"],
    "properties": {"type": {"const": "video"}, "url": _TEXT, "jobId": _TEXT},
}
_TASK: Schema = {
    "type": "object",
    "required": ["id", "status", "model", "created_at"],
    "properties": {
        **_CREATED["properties"],
        "progress": {"type": "number", "minimum": 0, "maximum": 1},
        "output": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["content"],
                "properties": {"content": {"type": "array", "items": _CONTENT}},
            },
        },
        "usage": {
            "type": "object",
            "required": ["cost", "discount"],
            "properties": {
                "cost": {"type": ["string", "number"], "description": "US dollars, exact."},
                "discount": {"type": "number", "description": "US dollars taken off."},
                "quantity": {"type": "number", "description": "Billed seconds."},
                "unit_price": {"type": ["string", "number"], "description": "US dollars per second."},
                "extra_info": {"type": "object"},
                "metadata": {"type": "object"},
            },
        },
        "metadata": {"type": "object", "description": "When the task was taken and when it ended, in Unix seconds."},
        "error": {
            "description": "Of a failed task: an object with code and message or error_message, or a bare string.",
            "type": ["object", "string"],
        },
    },
}
_PREVIEW: Schema = {
    "type": "object",
    "required": ["data", "status"],
    "properties": {
        "data": {"type": "object", "required": ["cost"], "properties": {"cost": {"type": ["string", "null"]}}},
        "status": {"enum": ["success", "failed"]},
    },
}
_HITS: Schema = {
    "type": "object",
    "required": ["hits"],
    "properties": {"hits": {"type": "array", "items": {"type": "object", "required": ["name"]}}},
}
_FORM: Schema = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}},
}
_UPLOADED: Schema = {"type": "object", "required": ["url"], "properties": {"url": _TEXT}}
_TOO_LARGE = {"description": "The body is too large.", "content": {"text/html": {}}}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}
_LINKS = {"task": {"operationId": "read", "parameters": {"task_id": "$response.body#/id"}}}
_ETAG = {"ETag": {"schema": _TEXT}}
_RANGE = {"Content-Range": {"schema": _TEXT}}


def document(models: Models) -> dict[str, Any]:
    """The whole document, without references to other documents."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "batchgen emulator",
            "version": "1",
            "description": "A local gateway to rehearse against. It generates nothing and charges nothing.",
        },
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            "/": {"get": _json_operation("What this is.")},
            "/openapi.json": {"get": _json_operation("This description.")},
            CREATE_PATH: {"post": _create_operation(models)},
            PREVIEW_PATH: {"post": _preview_operation(models)},
            TASK_PATH: {"get": _read_operation()},
            MODELS_PATH: {"get": _models_operation()},
            UPLOAD_PATH: {"post": _upload_operation()},
            UPLOADED_PATH: {"get": _uploaded_operation()},
            FILE_PATH: {"get": _file_operation()},
        },
    }


def _create_operation(models: Models) -> dict[str, Any]:
    return {
        "summary": "Create a task. Not idempotent, and charged.",
        "operationId": "create",
        "security": [{"key": []}],
        "requestBody": _request_body(models),
        "responses": {
            "200": {**_response("The task.", _CREATED), "links": _LINKS},
            **_REFUSALS,
            "402": _response("The balance is too low.", _ERROR),
            "429": _response("Too many tasks at once.", _ERROR, _RETRY_AFTER),
        },
    }


def _preview_operation(models: Models) -> dict[str, Any]:
    return {
        "summary": "What a task would cost. Creates none.",
        "operationId": "preview",
        "security": [{"key": []}],
        "requestBody": _request_body(models),
        "responses": {"200": _response("The price, if it is known.", _PREVIEW), **_REFUSALS},
    }


def _request_body(models: Models) -> dict[str, Any]:
    bodies = [body for model in models for body in _bodies(model)]
    return {"required": True, "content": {"application/json": {"schema": {"anyOf": bodies}}}}


def _bodies(model: Model) -> list[Schema]:
    nested = [_without_keywords(schema) for schema in model.schemas.values()]
    if not model.sections:  # such a model has one form
        return [{**nested[0], "properties": {**nested[0]["properties"], **SIDE_FIELDS}}]
    item = {"type": "object", "required": ["params"], "properties": {"params": model.flat_schema}}
    array = {"type": "array", "minItems": 1, "maxItems": 1, "items": {**item, "additionalProperties": False}}
    flat = {**nested[0], "properties": {"model": nested[0]["properties"]["model"], "input": array}}
    return [{**body, "properties": {**body["properties"], **SIDE_FIELDS}} for body in (*nested, flat)]


def _models_operation() -> dict[str, Any]:
    query = {"name": "q", "in": "query", "schema": _TEXT}
    return {
        "summary": "The models, searched by their names.",
        "operationId": "models",
        "security": [{"key": []}],
        "parameters": [query],
        "responses": {"200": _response("What was found.", _HITS), "401": _response("No key.", _ERROR)},
    }


def _upload_operation() -> dict[str, Any]:
    return {
        "summary": "Upload a file for a URL that works for some time.",
        "operationId": "upload",
        "security": [{"key": []}],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}},
        "responses": {
            "200": _response("Its URL.", _UPLOADED),
            "400": _response("No form with a file.", _ERROR),
            "401": _response("No key.", _ERROR),
            "413": _TOO_LARGE,
            "507": _response("There is no room for more files.", _ERROR),
        },
    }


def _uploaded_operation() -> dict[str, Any]:
    return {
        "summary": "An uploaded file, under the URL that was given.",
        "operationId": "uploaded",
        "parameters": [_parameter("name", "path", _TEXT), _EXPIRES],
        "responses": {
            "200": {"description": "The whole file.", "content": {"*/*": {}}},
            "206": {"description": "The range asked for.", "content": {"*/*": {}}},
            "403": _response("The URL has no valid expires.", _ERROR),
            "404": _response("There is no such file.", _ERROR),
            "410": _response("The URL has expired.", _ERROR),
        },
    }


def _read_operation() -> dict[str, Any]:
    return {
        "summary": "Read a task.",
        "operationId": "read",
        "security": [{"key": []}],
        "parameters": [_parameter("task_id", "path", _TEXT)],
        "responses": {
            "200": _response("The task as it stands.", _TASK),
            "401": _response("No key.", _ERROR),
            "404": _response("There is no such task.", _ERROR),
        },
    }


def _file_operation() -> dict[str, Any]:
    video: dict[str, Any] = {"video/mp4": {}}
    return {
        "summary": "A finished video, under the URL that the task gave.",
        "operationId": "file",
        "parameters": [_parameter("name", "path", _TEXT), _EXPIRES],
        "responses": {
            "200": {"description": "The whole video.", "headers": _ETAG, "content": video},
            "206": {"description": "The range asked for.", "headers": {**_ETAG, **_RANGE}, "content": video},
            "403": _response("The URL has no valid expires.", _ERROR),
            "404": _response("There is no such file.", _ERROR),
            "410": _response("The URL has expired; the task gives a fresh one.", _ERROR),
            "416": _response("The range lies outside of the file.", _ERROR, _RANGE),
        },
    }


def _json_operation(summary: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": _response("JSON.", {"type": "object"})}}


def _response(description: str, schema: Schema, headers: Mapping[str, Any] | None = None) -> dict[str, Any]:
    response: dict[str, Any] = {"description": description, "content": {"application/json": {"schema": schema}}}
    return {**response, "headers": headers} if headers else response


def _parameter(name: str, location: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": location, "required": True, "schema": schema}


def _without_keywords(schema: Schema) -> Schema:
    """The schema without the keywords that only a schema file of its own has."""
    return {key: value for key, value in schema.items() if key not in ("$schema", "$defs", "$id")}


_EXPIRES = _parameter("expires", "query", {"type": "string", "pattern": r"^\d{1,12}(\.\d{1,6})?$"})
_REFUSALS = {
    "400": _response("No JSON, or against the schema; a documented code where there is one.", _ERROR),
    "401": _response("No key.", _ERROR),
    "413": _TOO_LARGE,
    "422": _response("A form of the request that is not taken here.", {"type": "object"}),
}
