"""The OpenAPI document of the emulated API, built from the request schemas. Pure."""

from collections.abc import Mapping
from typing import Any

from batchgen.emulator.models import Models
from batchgen.schemas import Schema

CREATE_PATH = "/model/v1/generation"
TASK_PATH = "/model/v1/generation/task/{task_id}"
FILE_PATH = "/files/{name}"

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
            },
        },
        "error": {
            "description": "Of a failed task: an object with code and message or error_message, or a bare string.",
            "type": ["object", "string"],
        },
    },
}
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
            TASK_PATH: {"get": _read_operation()},
            FILE_PATH: {"get": _file_operation()},
        },
    }


def _create_operation(models: Models) -> dict[str, Any]:
    # A model that takes one form only has the same schema for both.
    schemas = {id(schema): schema for model in models for schema in model.schemas.values()}
    bodies = [_without_keywords(schema) for schema in schemas.values()]
    return {
        "summary": "Create a task. Not idempotent, and charged.",
        "operationId": "create",
        "security": [{"key": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"anyOf": bodies}}}},
        "responses": {
            "200": {**_response("The task.", _CREATED), "links": _LINKS},
            "400": _response("No JSON, or against the schema; a documented code where there is one.", _ERROR),
            "401": _response("No key.", _ERROR),
            "413": _response("The body is too large.", _ERROR),
            "429": _response("Too many tasks at once.", _ERROR, _RETRY_AFTER),
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
    number = {"type": "string", "pattern": r"^\d{1,12}(\.\d{1,6})?$"}
    return {
        "summary": "A finished video, under the URL that the task gave.",
        "operationId": "file",
        "parameters": [_parameter("name", "path", _TEXT), _parameter("expires", "query", number)],
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
