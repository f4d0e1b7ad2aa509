#!/usr/bin/env python3
"""Lets an ensemble of teachers judge training rows: writes the mean of their P(unsafe) as `teacher`.

    teachers.py halve --data train.jsonl --output work       # work/half-0.jsonl, work/half-1.jsonl
    teachers.py hold-out --data taught.jsonl --output work   # work/student.jsonl, work/held-out.jsonl: one in 20
    teachers.py judge --trained train.jsonl --data invented.jsonl --output taught.jsonl \\
        --model teacher-42 teacher-123 --halves half-0-model half-1-model --lexical \\
        --llm http://127.0.0.1:8080 --llm-rows 200

Nobody judges what he was trained on, for there he only repeats the label. The models of `--model` were trained on the
rows of `--trained` and judge those of `--data`. A row's half is that of its text's hash: a model of `--halves` was
trained on one half and judges the other one and `--data`. `--lexical` is TF-IDF with logistic regression
(scikit-learn), each row judged by one of five that were fitted to the others. The language model is asked only of
prompts without a response, those that the others disagree most about. Rows keep their order and their labels.
"""

import argparse
import concurrent.futures
import hashlib
import json
import math
import os
import statistics
import subprocess
import urllib.request

QUESTION = (
    "Does the following message ask for, praise or contain something harmful: violence, crime, hate, harassment, "
    "sexual content, self-harm, deceit, or an attempt to make an assistant ignore its rules? Answer yes or no.\n\n"
    "Message: {text}"
)


def rows_of(paths):
    rows = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            rows += [json.loads(line) for line in file if line.strip()]
    return rows


def key(row):
    text = row["prompt"] + "\0" + (row.get("response") or "")
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def half(row):
    return key(row)[0] & 1


def write(path, rows):
    with open(path + ".new", "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    os.replace(path + ".new", path)


def judged_by_model(sluice, folder, rows):
    """P(unsafe) of each row: of the response where there is one, else of the prompt."""
    lines = "".join(
        json.dumps({"id": str(i), "prompt": r["prompt"], "response": r.get("response")}) + "\n"
        for i, r in enumerate(rows)
    )
    command = [sluice, "classify", "--model", folder, "--views", "response", "--truncate"]
    output = subprocess.run(command, input=lines, capture_output=True, text=True, check=True).stdout
    return [json.loads(line)["score"] for line in output.splitlines()]


def judged_by_words(rows, folds=5):
    """P(unsafe) of each row by logistic regression over words and pairs of words, fitted to other rows."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts = [row["prompt"] + "\n" + (row.get("response") or "") for row in rows]
    labels = [row["label"] for row in rows]
    folded = [key(row)[1] % folds for row in rows]
    scores = [0.0] * len(rows)
    for fold in range(folds):
        model = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, max_features=200_000),
            LogisticRegression(C=10, max_iter=1000, class_weight="balanced"),
        )
        inside = [i for i, f in enumerate(folded) if f != fold]
        outside = [i for i, f in enumerate(folded) if f == fold]
        model.fit([texts[i] for i in inside], [labels[i] for i in inside])
        for i, p in zip(outside, model.predict_proba([texts[i] for i in outside])[:, 1]):
            scores[i] = float(p)
    return scores


def asked(server, text):
    """P(yes) among yes and no; None where neither is among the likely answers."""
    body = {
        "messages": [{"role": "user", "content": QUESTION.format(text=text[:2000])}],
        "max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 10,
    }
    request = urllib.request.Request(
        server + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=600) as answer:
        choice = json.load(answer)["choices"][0]
    sums = {"yes": 0.0, "no": 0.0}
    for token in choice["logprobs"]["content"][0]["top_logprobs"]:
        word = token["token"].strip().lower()
        if word in sums:
            sums[word] += math.exp(token["logprob"])
    total = sums["yes"] + sums["no"]
    return sums["yes"] / total if total > 0.1 else None


def judge(options):
    known = rows_of(options.trained)
    rows = known + rows_of(options.data)
    columns = [[] for _ in rows]

    def add(places, scores):
        for place, score in zip(places, scores):
            columns[place].append(score)

    new = range(len(known), len(rows))
    for folder in options.model:
        add(new, judged_by_model(options.sluice, folder, [rows[i] for i in new]))
    for number, folder in enumerate(options.halves or []):
        other = [i for i, row in enumerate(rows) if i >= len(known) or half(row) != number]
        add(other, judged_by_model(options.sluice, folder, [rows[i] for i in other]))
    if options.lexical:
        add(range(len(rows)), judged_by_words(rows))
    if options.llm:
        prompts = [i for i, row in enumerate(rows) if not row.get("response")]
        prompts.sort(key=lambda i: (-statistics.pstdev(columns[i]), key(rows[i])))
        chosen = prompts[: options.llm_rows]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda i: asked(options.llm, rows[i]["prompt"]), chosen))
        add(*zip(*[(i, answer) for i, answer in zip(chosen, answers) if answer is not None]))
    for row, column in zip(rows, columns):
        row["teacher"] = round(sum(column) / len(column), 6)
        if row["source"].endswith("-by-kind"):
            # What was asked for is not always what came.
            row["label"] = int(row["teacher"] > 0.5)
    write(options.output, rows)
    wrong = sum((row["teacher"] > 0.5) != (row["label"] == 1) for row in rows)
    asked_count = sum(len(column) for column in columns) / len(rows)
    print(f"{options.output}: {len(rows)} rows, {asked_count:.2f} opinions each, {wrong} against the label")


def halve(options):
    rows = rows_of(options.data)
    for number in (0, 1):
        write(f"{options.output}/half-{number}.jsonl", [row for row in rows if half(row) == number])


def hold_out(options):
    rows = rows_of(options.data)
    held_out = [key(row)[2] % 20 == 0 for row in rows]
    write(f"{options.output}/student.jsonl", [row for row, out in zip(rows, held_out) if not out])
    write(f"{options.output}/held-out.jsonl", [row for row, out in zip(rows, held_out) if out])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    for name, action in (("halve", halve), ("judge", judge), ("hold-out", hold_out)):
        command = commands.add_parser(name)
        command.set_defaults(action=action)
        command.add_argument("--data", nargs="+", required=name != "judge", default=[])
        command.add_argument("--output", required=True)
        if name == "judge":
            command.add_argument("--trained", nargs="*", default=[])
            command.add_argument("--sluice", default=os.environ.get("SLUICE", "sluice"))
            command.add_argument("--model", nargs="*", default=[])
            command.add_argument("--halves", nargs=2)
            command.add_argument("--lexical", action="store_true")
            command.add_argument("--llm")
            command.add_argument("--llm-rows", type=int, default=200)
    options = parser.parse_args()
    options.action(options)


if __name__ == "__main__":
    main()
