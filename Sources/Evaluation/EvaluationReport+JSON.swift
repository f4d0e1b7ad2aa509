internal import Datasets
package import Foundation
internal import Metrics
internal import ModelRegistry
internal import StrictJSON

// `report.json`: for each set and for the average, metrics under their names (`Metric`), intervals
// under `intervals`; whatever is undefined is absent. It names sources, and holds no text of a row.
extension EvaluationReport {
  /// The contents of `report.json`.
  package var json: Data {
    // Finite numbers, strings and booleans always encode.
    (try? JSONCoder.encode(document, .pretty)) ?? Data()
  }

  private var document: JSON {
    .members([
      "format": .integer(1),
      "evaluatedAt": .text(evaluatedAt),
      "model": .text(model),
      "calibration": calibration.map(Self.json),
      "fit": fit.map(json),
      "threshold": .number(options.threshold),
      "promptsOnly": judgesPromptsOnly ? .flag(true) : nil,
      "truncated": .flag(isTruncated),
      "bootstrap": .object([
        "replicates": .integer(options.bootstrap.replicates),
        "seed": .text(String(options.bootstrap.seed)),
        "confidence": .number(0.95),
        "stratifiedBy": .text("class"),
      ]),
      "sets": .object(
        Dictionary(sets.map { ($0.name, json($0)) }, uniquingKeysWith: { first, _ in first })),
      "average": .object(Self.members(average)),
      "comparison": comparison.map(json),
      "evasion": evasion.map(Self.json),
      "cost": cost.map(Self.json),
    ])
  }

  private static func json(_ calibration: Calibration) -> JSON {
    .members([
      "temperature": .number(calibration.temperature),
      "threshold": calibration.threshold.map(JSON.number),
      "falsePositiveRate": calibration.falsePositiveRate.map(JSON.number),
      "fittedOn": calibration.fittedOn.map {
        .object(["rows": .integer($0.rows), "digest": .text($0.digest)])
      },
    ])
  }

  private func json(_ fit: CalibrationFit) -> JSON {
    .members([
      "expectedCalibrationErrorBefore": fit.errorBefore.map(JSON.number),
      "expectedCalibrationErrorAfter": fit.errorAfter.map(JSON.number),
      "rowsSharedWithSets": .integer(rowsSharedWithFit),
    ])
  }

  private func json(_ set: SetReport) -> JSON {
    var members = Self.members(set.measurement)
    members["tokens"] = .integer(set.tokens)
    members["windowedRows"] = .integer(set.windowedRows)
    if !set.sources.isEmpty { members["sources"] = Self.json(set.sources) }
    members["lengths"] = Self.json(set.lengths)
    if !set.categories.isEmpty { members["categories"] = Self.json(set.categories) }
    members["curves"] = Self.curves(set.tally)
    if let confusion = calibratedConfusion(set) {
      members["atCalibratedThreshold"] = .members([
        "f1": confusion.f1.map(JSON.number),
        "precision": confusion.precision.map(JSON.number),
        "recall": confusion.recall.map(JSON.number),
        "falsePositiveRate": confusion.falsePositiveRate.map(JSON.number),
      ])
    }
    return .object(members)
  }

  private static func json(_ slices: [SetReport.Slice]) -> JSON {
    .list(
      slices.map { slice in
        .object(
          members(slice.measurement).merging(["name": .text(slice.name)]) { first, _ in first })
      })
  }

  private static func json(_ cost: CostReport) -> JSON {
    .members([
      "device": .text(cost.device),
      "exchanges": .integer(cost.exchanges),
      "tokensPerExchange": .number(cost.tokensPerExchange),
      "operationsPerToken": .number(cost.operationsPerToken),
      "secondsPerToken": .number(cost.secondsPerToken),
      "secondsAlone": .object([
        "p50": .number(cost.secondsAlone), "p99": .number(cost.secondsAloneMost),
      ]),
      "peakMemoryBytes": .integer(cost.peakMemoryBytes),
      "pricePerHour": cost.pricePerHour.map(JSON.number),
      "pricePerMillionExchanges": cost.pricePerMillion.map(JSON.number),
    ])
  }

  private static func json(_ evasion: EvasionReport) -> JSON {
    func findings(_ set: EvasionReport.Findings) -> JSON {
      func rate(_ change: Evasion?) -> JSON? {
        set.rate(change).map { rate in
          .object(["flipRate": .number(rate.value), "interval": json(rate.interval)])
        }
      }
      let rates = Evasion.allCases.map { ($0.rawValue, rate($0)) } + [("any", rate(nil))]
      return .members(
        Dictionary(rates) { first, _ in first }
          .merging([
            "attacked": .integer(set.attacked), "meanFlipRate": set.meanRate.map(JSON.number),
          ]) { first, _ in first })
    }
    return .object([
      "seed": .text(String(evasion.seed)),
      "sets": .object(
        Dictionary(evasion.sets.map { ($0.set, findings($0)) }) { first, _ in first }),
      "total": findings(evasion.total),
    ])
  }

  private static func json(_ slices: [SetReport.CategorySlice]) -> JSON {
    .list(
      slices.map { slice in
        var members = members(slice.measurement)
        members["name"] = .text(slice.name)
        members["flagged"] = .integer(slice.flagged)
        members["positivesAre"] = .text(slice.hasTruth ? "category" : "unsafe")
        return .object(members)
      })
  }

  private static func members(_ measurement: Measurement) -> [String: JSON] {
    var members: [String: JSON] = [
      "rows": .integer(measurement.rows), "positives": .integer(measurement.positives),
    ]
    var intervals: [String: JSON] = [:]
    for metric in Metric.allCases {
      members[metric.rawValue] = measurement.values[metric].map(JSON.number)
      intervals[metric.rawValue] = measurement.intervals[metric].map(json)
    }
    members["intervals"] = .object(intervals)
    return members
  }

  private static func json(_ interval: ConfidenceInterval) -> JSON {
    .list([.number(interval.low), .number(interval.high)])
  }

  private static func curves(_ tally: ScoreTally) -> JSON {
    .object([
      "operatingPoints": .list(
        tally.operatingPoints(step: 0.005).map { point in
          .object([
            "threshold": .number(point.threshold), "precision": .number(point.precision),
            "recall": .number(point.recall),
            "falsePositiveRate": .number(point.falsePositiveRate),
          ])
        }),
      "reliability": .list(
        tally.reliabilityBins.map { bin in
          .members([
            "rows": .number(bin.weight), "meanScore": bin.meanScore.map(JSON.number),
            "unsafeShare": bin.unsafeShare.map(JSON.number),
          ])
        }),
    ])
  }

  private func json(_ comparison: ModelComparison) -> JSON {
    var members: [String: JSON] = [:]
    for (index, set) in comparison.baselineSets.enumerated() {
      members[set.name] = .object([
        "baseline": .object(Self.members(set.measurement)),
        "differences": Self.json(comparison.differences[index]),
      ])
    }
    return .object([
      "baseline": .text(comparison.baseline),
      "sets": .object(members),
      "average": .object(["differences": Self.json(comparison.averageDifferences)]),
    ])
  }

  private static func json(_ differences: [Metric: PairedDifference]) -> JSON {
    var members: [String: JSON] = [:]
    for (metric, difference) in differences {
      members[metric.rawValue] = .members([
        "difference": .number(difference.difference),
        "interval": difference.interval.map(json),
        "pValue": difference.pValue.map(JSON.number),
      ])
    }
    return .object(members)
  }
}
