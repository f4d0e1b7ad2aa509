#!/usr/bin/env python3
"""Reads bodies of OTLP/HTTP requests in JSON by OpenTelemetry's own protobuf definitions, and prints what is wrong.

    check_otlp.py FILE...
"""

import base64
import json
import re
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SIZES = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def with_bytes(value, place):
    """OTLP writes identifiers as hexadecimal digits, where JSON of protobuf has base64."""
    if isinstance(value, list):
        return [with_bytes(each, f"{place}[{i}]") for i, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    result = {}
    for name, each in value.items():
        if name in SIZES:
            if not re.fullmatch("[0-9a-f]{%d}" % (2 * SIZES[name]), each) or not each.strip("0"):
                print(f"{place}.{name}: no identifier: {each}")
                continue
            each = base64.b64encode(bytes.fromhex(each)).decode()
        result[name] = with_bytes(each, f"{place}.{name}")
    return result


def check(path):
    with open(path, encoding="utf-8") as file:
        document = with_bytes(json.load(file), "")
    request = json_format.ParseDict(document, ExportTraceServiceRequest(), ignore_unknown_fields=False)
    spans = [span for r in request.resource_spans for s in r.scope_spans for span in s.spans]
    if not spans:
        print(f"{path}: no spans")
    for span in spans:
        if not span.name or not span.trace_id or not span.span_id or not span.kind:
            print(f"{path}: a span without name, identifiers or kind")
        if not 0 < span.start_time_unix_nano <= span.end_time_unix_nano:
            print(f"{path}: {span.name}: times {span.start_time_unix_nano} to {span.end_time_unix_nano}")
        for link in span.links:
            if not link.trace_id or not link.span_id:
                print(f"{path}: {span.name}: a link to nowhere")
        for attribute in span.attributes:
            if attribute.value.WhichOneof("value") is None:
                print(f"{path}: {span.name}: {attribute.key} has no value")
    for resource in request.resource_spans:
        if not any(a.key == "service.name" for a in resource.resource.attributes):
            print(f"{path}: a resource without service.name")


for path in sys.argv[1:]:
    try:
        check(path)
    except json_format.ParseError as error:
        print(f"{path}: {error}")
