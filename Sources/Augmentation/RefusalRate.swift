internal import Metrics

/// How often a generator refused, with an interval.
package struct RefusalRate: Hashable, Sendable, Codable {
  /// Answers that were looked at.
  package var answers = 0
  package var refusals = 0

  package init() {}

  /// Adds one answer.
  package mutating func count(isRefusal: Bool) {
    answers += 1
    if isRefusal { refusals += 1 }
  }

  /// The share of refusals; 0 without answers.
  package var rate: Double { answers == 0 ? 0 : Double(refusals) / Double(answers) }

  /// Wilson's interval; from 0 to 1 without answers.
  package var interval: ClosedRange<Double> {
    let interval = ConfidenceInterval(wilson: rate, count: Double(answers))
    return interval.low...interval.high
  }

  private enum CodingKeys: String, CodingKey {
    case answers, refusals, rate, low, high
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    answers = try container.decode(Int.self, forKey: .answers)
    refusals = try container.decode(Int.self, forKey: .refusals)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(answers, forKey: .answers)
    try container.encode(refusals, forKey: .refusals)
    try container.encode(rate, forKey: .rate)
    try container.encode(interval.lowerBound, forKey: .low)
    try container.encode(interval.upperBound, forKey: .high)
  }
}
