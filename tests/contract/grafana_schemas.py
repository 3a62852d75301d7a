"""The documented fields of Grafana's answers, as JSON Schemas of our own words."""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string"}
WHOLE: dict[str, Any] = {"type": "integer"}
NUMBER: dict[str, Any] = {"type": "number"}
FLAG: dict[str, Any] = {"type": "boolean"}
ANY: dict[str, Any] = {}
TIME: dict[str, Any] = {"type": "string", "pattern": r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)\Z"}


def record(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """An object with these keys; further ones are allowed, as new versions bring them."""
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def items(of: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": of, **more}


def mapping(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": of}


HEALTH = record({"database": {"enum": ["ok", "failing"]}, "version": TEXT, "commit": TEXT})
ORG = record({"id": WHOLE, "name": TEXT}, address=mapping(TEXT))
USER = record({"login": TEXT, "orgId": WHOLE, "isGrafanaAdmin": FLAG})
MESSAGE = record({"message": TEXT})
REFUSED = record({"message": TEXT, "messageId": TEXT, "statusCode": {"const": 401}})
DENIED = record(
    {
        "title": {"const": "Access denied"},
        "message": {"type": "string", "pattern": r"Permissions needed: [a-z.]+:[a-z]+\Z"},
        "accessErrorId": {"type": "string", "pattern": r"\AACE[0-9]{10}\Z"},
    }
)
SEARCH = items(
    record(
        {
            "id": WHOLE,
            "uid": TEXT,
            "title": TEXT,
            "uri": TEXT,
            "url": TEXT,
            "type": {"enum": ["dash-db", "dash-folder"]},
            "tags": items(TEXT),
            "isStarred": FLAG,
        },
        folderId=WHOLE,
        folderUid=TEXT,
        folderTitle=TEXT,
        folderUrl=TEXT,
    )
)
FOLDERS = items(record({"id": WHOLE, "uid": TEXT, "title": TEXT}))
DASHBOARD = record(
    {
        "dashboard": record(
            {
                "id": WHOLE,
                "uid": TEXT,
                "title": TEXT,
                "schemaVersion": WHOLE,
                "version": WHOLE,
                "panels": items(record({"id": WHOLE, "title": TEXT})),
            }
        ),
        "meta": record(
            {
                "type": {"const": "db"},
                "url": TEXT,
                "slug": TEXT,
                "version": WHOLE,
                "provisioned": FLAG,
                "updated": TIME,
                "created": TIME,
                "folderId": WHOLE,
                "folderUid": TEXT,
                "folderTitle": TEXT,
                "folderUrl": TEXT,
                "provisionedExternalId": TEXT,
                "canSave": FLAG,
                "isFolder": {"const": False},
            }
        ),
    }
)
RESOURCE = record(
    {
        "kind": {"const": "Dashboard"},
        "apiVersion": {"type": "string", "pattern": r"\Adashboard\.grafana\.app/v"},
        "metadata": record(
            {
                "name": TEXT,
                "namespace": TEXT,
                "resourceVersion": TEXT,
                "generation": WHOLE,
                "annotations": mapping(TEXT),
                "labels": mapping(TEXT),
            }
        ),
        "spec": record({"title": TEXT}),
    },
    status=record({}, conversion=record({"failed": FLAG, "storedVersion": TEXT, "error": TEXT})),
)
STATUS = record(
    {"kind": {"const": "Status"}, "status": {"const": "Failure"}, "message": TEXT, "reason": TEXT, "code": WHOLE}
)
V2_QUERY = record(
    {
        "kind": {"const": "PanelQuery"},
        "spec": record(
            {
                "refId": TEXT,
                "hidden": FLAG,
                "query": record(
                    {
                        "kind": {"const": "DataQuery"},
                        "group": TEXT,
                        "version": TEXT,
                        "spec": mapping(ANY),
                    },
                    datasource=record({}, name=TEXT),
                ),
            }
        ),
    }
)
V2_PANEL = record(
    {
        "kind": {"const": "Panel"},
        "spec": record(
            {
                "id": WHOLE,
                "title": TEXT,
                "links": items(ANY),
                "data": record(
                    {
                        "kind": {"const": "QueryGroup"},
                        "spec": record(
                            {
                                "queries": items(V2_QUERY, minItems=1),
                                "transformations": items(ANY),
                                "queryOptions": mapping(ANY),
                            }
                        ),
                    }
                ),
                "vizConfig": record(
                    {"kind": {"const": "VizConfig"}, "group": TEXT, "version": TEXT, "spec": mapping(ANY)}
                ),
            }
        ),
    }
)
V2_LIBRARY = record(
    {
        "kind": {"const": "LibraryPanel"},
        "spec": record({"id": WHOLE, "title": TEXT, "libraryPanel": record({"uid": TEXT, "name": TEXT})}),
    }
)
V2 = record(
    {
        "title": TEXT,
        "tags": items(TEXT),
        "annotations": items(ANY),
        "cursorSync": {"enum": ["Off", "Crosshair", "Tooltip"]},
        "links": items(ANY),
        "preload": FLAG,
        "elements": mapping({"oneOf": [V2_PANEL, V2_LIBRARY]}),
        "layout": record({"kind": {"const": "GridLayout"}, "spec": record({"items": items(ANY, minItems=1)})}),
        "timeSettings": record({"from": TEXT, "to": TEXT, "autoRefresh": TEXT}),
        "variables": items(
            record({"kind": TEXT, "spec": record({"name": TEXT, "current": record({"text": ANY, "value": ANY})})})
        ),
    }
)
DATASOURCE = record(
    {
        "id": WHOLE,
        "uid": TEXT,
        "orgId": WHOLE,
        "name": TEXT,
        "type": TEXT,
        "access": {"enum": ["proxy", "direct"]},
        "url": TEXT,
        "basicAuth": FLAG,
        "isDefault": FLAG,
        "jsonData": mapping(ANY),
        "readOnly": FLAG,
    }
)
DATASOURCE_HEALTH = record({"status": {"enum": ["OK", "ERROR", "UNKNOWN"]}, "message": TEXT}, details=mapping(ANY))
FIELD = record(
    {
        "name": TEXT,
        "type": {"enum": ["time", "number", "string", "boolean", "other"]},
        "typeInfo": record({"frame": TEXT}),
    },
    labels=mapping(TEXT),
    config=mapping(ANY),
)
FRAME = record(
    {
        "schema": record({"refId": TEXT, "fields": items(FIELD)}, meta=record({}, executedQueryString=TEXT, type=TEXT)),
        "data": record({"values": items(items(ANY))}, entities=items({"type": ["object", "null"]})),
    }
)
QUERY = record(
    {
        "results": mapping(
            record(
                {"status": WHOLE, "frames": items(FRAME)}, error=TEXT, errorSource={"enum": ["downstream", "plugin"]}
            )
        ),
    }
)
LIBRARY = record(
    {
        "result": record(
            {
                "id": WHOLE,
                "orgId": WHOLE,
                "folderUid": TEXT,
                "uid": TEXT,
                "name": TEXT,
                "kind": {"const": 1},
                "type": TEXT,
                "model": record({"type": TEXT, "title": TEXT}),
                "version": WHOLE,
                "meta": record({"folderName": TEXT, "connectedDashboards": WHOLE, "created": TIME, "updated": TIME}),
            }
        )
    }
)
ANNOTATIONS = items(
    record(
        {
            "id": WHOLE,
            "dashboardUID": {"type": ["string", "null"]},
            "panelId": WHOLE,
            "time": WHOLE,
            "timeEnd": WHOLE,
            "text": TEXT,
            "tags": items(TEXT),
            "login": TEXT,
            "data": mapping(ANY),
        }
    )
)
RULES = record(
    {
        "status": {"const": "success"},
        "data": record(
            {
                "groups": items(
                    record(
                        {
                            "name": TEXT,
                            "file": TEXT,
                            "interval": NUMBER,
                            "lastEvaluation": TIME,
                            "evaluationTime": NUMBER,
                            "rules": items(
                                record(
                                    {
                                        "name": TEXT,
                                        "query": TEXT,
                                        "state": {"enum": ["inactive", "pending", "firing"]},
                                        "type": {"const": "alerting"},
                                        "health": {"enum": ["ok", "error", "nodata", "unknown"]},
                                        "lastEvaluation": TIME,
                                        "evaluationTime": NUMBER,
                                        "alerts": items(
                                            record(
                                                {
                                                    "labels": mapping(TEXT),
                                                    "annotations": mapping(TEXT),
                                                    "state": TEXT,
                                                    "value": TEXT,
                                                }
                                            )
                                        ),
                                    },
                                    lastError=TEXT,
                                    labels=mapping(TEXT),
                                    annotations=mapping(TEXT),
                                )
                            ),
                        }
                    )
                )
            }
        ),
    }
)
RULER = mapping(
    items(
        record(
            {
                "name": TEXT,
                "interval": TEXT,
                "rules": items(
                    record(
                        {
                            "grafana_alert": record(
                                {
                                    "uid": TEXT,
                                    "title": TEXT,
                                    "condition": TEXT,
                                    "data": items(ANY, minItems=1),
                                    "no_data_state": TEXT,
                                    "exec_err_state": TEXT,
                                    "namespace_uid": TEXT,
                                    "rule_group": TEXT,
                                }
                            ),
                        }
                    )
                ),
            }
        )
    )
)
