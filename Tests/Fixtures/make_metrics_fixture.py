"""Write metrics.json: scores with what scikit-learn and SciPy make of them.

    pip install scikit-learn scipy
    python make_metrics_fixture.py metrics.json
"""

import json
import sys

import numpy
from scipy.optimize import minimize_scalar
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score, roc_curve

RATES = [0.01, 0.05, 0.2]


def calibration_error(labels, scores, weights):
    bins = numpy.minimum(numpy.floor(scores * 15).astype(int), 14)
    total = 0.0
    for index in range(15):
        chosen = bins == index
        if weights[chosen].sum() > 0:
            confidence = numpy.average(scores[chosen], weights=weights[chosen])
            share = numpy.average(labels[chosen], weights=weights[chosen])
            total += weights[chosen].sum() * abs(confidence - share)
    return total / weights.sum()


def temperature(labels, margins):
    signed = numpy.where(labels == 1, margins, -margins)
    result = minimize_scalar(
        lambda inverse: numpy.logaddexp(0, -inverse * signed).mean(), bounds=(0.05, 20), method="bounded",
        options={"xatol": 1e-12})
    return 1 / result.x


def case(name, scores, labels, weights=None):
    scores, labels = numpy.array(scores, dtype=float), numpy.array(labels)
    row = {"name": name, "scores": scores.tolist(), "labels": labels.tolist()}
    if weights is not None:
        row["weights"] = numpy.array(weights).tolist()
    counts = numpy.ones(len(scores)) if weights is None else numpy.array(weights)
    flagged = (scores >= 0.5).astype(int)
    row["expectedCalibrationError"] = calibration_error(labels, scores, counts)
    if labels.any():
        row["f1"] = f1_score(labels, flagged, sample_weight=counts, zero_division=0)
        row["recall"] = recall_score(labels, flagged, sample_weight=counts)
    if flagged.any():
        row["precision"] = precision_score(labels, flagged, sample_weight=counts)
    if not labels.all():
        row["falsePositiveRate"] = float((counts * flagged * (1 - labels)).sum() / (counts * (1 - labels)).sum())
    if labels.any() and not labels.all():
        row["auprc"] = average_precision_score(labels, scores, sample_weight=counts)
        row["auroc"] = roc_auc_score(labels, scores, sample_weight=counts)
        rates, recalls, _ = roc_curve(labels, scores, sample_weight=counts, drop_intermediate=False)
        row["recallAtRates"] = [float(recalls[rates <= rate].max()) for rate in RATES]
        if weights is None and len(scores) > 10 and 0 < scores.min() and scores.max() < 1:
            row["temperature"] = temperature(labels, numpy.log(scores / (1 - scores)))
    return row


def main(output):
    generator = numpy.random.default_rng(20)
    cases = [
        case("one unsafe row", [0.7], [1]),
        case("one safe row", [0.3], [0]),
        case("only unsafe rows", [0.9, 0.2, 0.6], [1, 1, 1]),
        case("only safe rows", [0.9, 0.2, 0.6], [0, 0, 0]),
        case("all scores equal", [0.4] * 7, [1, 0, 0, 1, 0, 0, 0]),
        case("nothing flagged", [0.1, 0.2, 0.3], [0, 1, 1]),
        case("exactly at the threshold", [0.5, 0.5, 0.49999999999999994], [1, 0, 1]),
        case("zero and one", [0.0, 1.0, 1.0, 0.0, 0.5], [0, 1, 0, 1, 1]),
        case("perfect", [0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]),
        case("reversed", [0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1]),
    ]
    for index, (count, share, levels) in enumerate(
            [(2, 0.5, None), (17, 0.3, 4), (100, 0.5, None), (101, 0.1, 5), (400, 0.07, None), (400, 0.3, 21),
             (401, 0.5, 3)]):
        labels = (generator.random(count) < share).astype(int)
        labels[0], labels[1] = 0, 1
        margins = generator.normal(1.7 * (2 * labels - 1) - 0.5, 2.5)
        scores = 1 / (1 + numpy.exp(-margins))
        if levels:
            scores = numpy.round(scores * levels) / levels
        cases.append(case(f"random {index}: {count} rows, {levels or 'all'} levels", scores, labels))
        weights = generator.integers(0, 5, count) / 2
        weights[:2] = 1
        cases.append(case(f"weighted {index}: {count} rows, {levels or 'all'} levels", scores, labels, weights))
    with open(output, "w") as file:
        json.dump({"rates": RATES, "cases": cases}, file, separators=(",", ":"))
        file.write("\n")


main(*sys.argv[1:])
