internal import Metrics

/// An estimate with an interval that holds the truth 95 times in 100.
package struct Estimate: Hashable, Sendable {
  package let value: Double
  package let lower: Double
  package let upper: Double

  package init(value: Double, lower: Double, upper: Double) {
    self.value = value
    self.lower = lower
    self.upper = upper
  }

  /// A proportion seen in a sample of that effective size, with Wilson's interval.
  static func proportion(_ value: Double, effectiveCount count: Double) -> Estimate {
    guard count.isFinite else { return Estimate(value: value, lower: value, upper: value) }
    let interval = ConfidenceInterval(wilson: value, count: count)
    return Estimate(value: value, lower: interval.low, upper: interval.high)
  }

  /// The sum of independent estimates, each times a known number. The interval recovers variances
  /// from the parts' limits (MOVER: Zou and Donner 2008).
  static func sum(_ parts: [(factor: Double, estimate: Estimate)]) -> Estimate {
    var value = 0.0
    var below = 0.0
    var above = 0.0
    for (factor, part) in parts {
      value += factor * part.value
      below += factor * factor * (part.value - part.lower) * (part.value - part.lower)
      above += factor * factor * (part.upper - part.value) * (part.upper - part.value)
    }
    return Estimate(
      value: value, lower: max(0, value - below.squareRoot()), upper: value + above.squareRoot())
  }

  /// The share a / (a + b) of two independent estimates; nil when both are 0.
  ///
  /// A share s is in the interval when 0 is in the MOVER interval of (1 - s)·a - s·b, after Fieller
  /// (Donner and Zou 2012).
  static func share(_ a: Estimate, of b: Estimate) -> Estimate? {
    let total = a.value + b.value
    guard total > 0 else { return nil }
    let value = a.value / total
    func distance(_ share: Double, _ a: Double, _ b: Double) -> Double {
      let (left, right) = ((1 - share) * a, share * b)
      return (left * left + right * right).squareRoot()
    }
    func difference(_ share: Double) -> Double { (1 - share) * a.value - share * b.value }
    let lower = boundary(from: 0, to: value) { share in
      difference(share) - distance(share, a.value - a.lower, b.upper - b.value) <= 0
    }
    let upper = boundary(from: 1, to: value) { share in
      difference(share) + distance(share, a.upper - a.value, b.value - b.lower) >= 0
    }
    return Estimate(value: value, lower: min(lower, value), upper: max(upper, value))
  }

  /// The number farthest from `inside`, towards `outside`, that satisfies the condition, which
  /// holds at `inside`.
  private static func boundary(
    from outside: Double, to inside: Double, _ holds: (Double) -> Bool
  ) -> Double {
    if holds(outside) { return outside }
    var (outside, inside) = (outside, inside)
    for _ in 0..<60 {
      let middle = (outside + inside) / 2
      if holds(middle) { inside = middle } else { outside = middle }
    }
    return inside
  }
}
