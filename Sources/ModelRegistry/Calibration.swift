/// What turns a model's logits into probabilities that can be trusted, fitted on held-out rows: the
/// key `calibration` of its `sluice.json`. What is out of range neither reads nor writes.
package struct Calibration: Hashable, Sendable {
  /// What both logits are divided by before the softmax; 1 leaves scores as they are.
  package var temperature: Double
  /// The lowest score that is flagged at the chosen false-positive rate, after the temperature.
  package var threshold: Double?
  /// The share of safe rows that may be flagged, for which the threshold was fitted.
  package var falsePositiveRate: Double?
  /// What it was fitted on.
  package var fittedOn: FittedOn?

  /// The rows of a fit.
  package struct FittedOn: Codable, Hashable, Sendable {
    package var rows: Int
    /// SHA-256 of the files' bytes, as hexadecimal digits.
    package var digest: String

    package init(rows: Int, digest: String) {
      self.rows = rows
      self.digest = digest
    }
  }

  package init(
    temperature: Double, threshold: Double? = nil, falsePositiveRate: Double? = nil,
    fittedOn: FittedOn? = nil
  ) {
    self.temperature = temperature
    self.threshold = threshold
    self.falsePositiveRate = falsePositiveRate
    self.fittedOn = fittedOn
  }

  /// Temperatures that make sense; anything else in a file is a mistake.
  package static let temperatureRange = 0.001...1000.0

  /// The first value that is out of range; nil when none is.
  private var mistake: CodingKeys? {
    func isNoShare(_ value: Double?) -> Bool { value.map { !(0...1).contains($0) } ?? false }
    if !Self.temperatureRange.contains(temperature) { return .temperature }
    if isNoShare(threshold) { return .threshold }
    return isNoShare(falsePositiveRate) ? .falsePositiveRate : nil
  }
}

extension Calibration: Codable {
  private enum CodingKeys: String, CodingKey {
    case temperature, threshold, falsePositiveRate, fittedOn
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    temperature = try container.decode(Double.self, forKey: .temperature)
    threshold = try container.decodeIfPresent(Double.self, forKey: .threshold)
    falsePositiveRate = try container.decodeIfPresent(Double.self, forKey: .falsePositiveRate)
    fittedOn = try container.decodeIfPresent(FittedOn.self, forKey: .fittedOn)
    if let mistake {
      throw DecodingError.dataCorruptedError(
        forKey: mistake, in: container, debugDescription: "out of range")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    if let mistake {
      throw EncodingError.invalidValue(
        self,
        EncodingError.Context(
          codingPath: encoder.codingPath + [mistake], debugDescription: "out of range"))
    }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(temperature, forKey: .temperature)
    try container.encodeIfPresent(threshold, forKey: .threshold)
    try container.encodeIfPresent(falsePositiveRate, forKey: .falsePositiveRate)
    try container.encodeIfPresent(fittedOn, forKey: .fittedOn)
  }
}
