#!/usr/bin/env python3
"""Asks Prometheus what a Grafana dashboard asks, and fails where a panel of the daemon shows nothing.

    dashboard.py DASHBOARD SERVER

Panels of the labelling, of the retraining, of a shadow and of categories may be empty: nothing of that runs.
"""

import json
import re
import sys
import urllib.parse
import urllib.request

MAY_BE_EMPTY = re.compile(
    r"sluice_(live|label|labels|teacher|retrain|shadow|category|texts_left_out|transaction_doubts"
    r"|transactions_aborted)"
)
VARIABLES = {"$job": ".*", "$instance": ".*", "$policy": ".*", "$__rate_interval": "10s", "$__interval": "10s"}


def expressions(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "expr":
                yield inner
            else:
                yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)


def main():
    dashboard, server = sys.argv[1:]
    with open(dashboard, encoding="utf-8") as file:
        asked = sorted(set(expressions(json.load(file))))
    empty = []
    for expression in asked:
        query = expression
        for name, value in VARIABLES.items():
            query = query.replace(name, value)
        url = server + "/api/v1/query?" + urllib.parse.urlencode({"query": query})
        with urllib.request.urlopen(url, timeout=10) as answer:
            result = json.load(answer)
        if result["status"] != "success":
            sys.exit(f"{expression}: {result}")
        if not result["data"]["result"] and not MAY_BE_EMPTY.search(expression) and "> 0" not in expression:
            empty.append(expression)
    if empty:
        sys.exit("nothing to show:\n" + "\n".join(empty))
    print(f"{len(asked)} questions of the dashboard have an answer")


if __name__ == "__main__":
    main()
