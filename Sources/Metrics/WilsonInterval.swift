extension ConfidenceInterval {
  /// The quantile of the normal distribution for 95 %.
  private static let normalQuantile = 1.959_963_984_540_054

  /// Where a proportion is that was seen in a sample of that size (Wilson 1927): within 0 and 1,
  /// and honest when it is 0 or 1; from 0 to 1 without a sample.
  ///
  /// - Parameter count: the sample's effective size, which need not be whole.
  package init(wilson value: Double, count: Double) {
    guard count > 0 else {
      self.init(low: 0, high: 1)
      return
    }
    let squared = Self.normalQuantile * Self.normalQuantile
    let centre = (value + squared / (2 * count)) / (1 + squared / count)
    let spread =
      Self.normalQuantile / (1 + squared / count)
      * (value * (1 - value) / count + squared / (4 * count * count)).squareRoot()
    self.init(
      low: min(value, max(0, centre - spread)), high: max(value, min(1, centre + spread)))
  }
}
