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

  /// Wilson's interval with 95 % confidence (1927); from 0 to 1 without answers.
  package var interval: ClosedRange<Double> {
    guard answers > 0 else { return 0...1 }
    let quantile = 1.959963984540054
    let count = Double(answers)
    let square = quantile * quantile / count
    let middle = (rate + square / 2) / (1 + square)
    let half =
      quantile / (1 + square)
      * (rate * (1 - rate) / count + square / (4 * count)).squareRoot()
    return max(0, middle - half)...min(1, middle + half)
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
