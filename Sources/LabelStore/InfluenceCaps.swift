internal import Basics

/// How much of a training set one tenant may be: whoever floods the stream must not own the model.
package struct InfluenceCaps: Hashable, Sendable {
  /// Examples of one tenant at most; nil for no such cap.
  package var examplesPerTenantMax: Int?
  /// Share of the resulting set that one tenant is at most; nil for no such cap.
  package var sharePerTenantMax: Double?

  package init(examplesPerTenantMax: Int? = nil, sharePerTenantMax: Double? = nil) {
    self.examplesPerTenantMax = examplesPerTenantMax
    self.sharePerTenantMax = sharePerTenantMax
  }

  /// Examples of one tenant at most, when the tenants have so many.
  ///
  /// The share counts after capping, so one who sends more only loses more. Where there are too few
  /// tenants for the share, all get as many as the smallest has, which comes nearest to it.
  package func limit(counts: [Int]) -> Int {
    let counts = counts.filter { $0 > 0 }
    guard let largest = counts.max(), let smallest = counts.min() else { return 0 }
    var limit = min(largest, examplesPerTenantMax ?? largest)
    guard let share = sharePerTenantMax else { return limit }
    // The largest tenant's share grows with the limit: search for the last one that fits.
    func fits(_ limit: Int) -> Bool {
      let total = counts.reduce(0) { $0 + min($1, limit) }
      return Double(min(largest, limit)) <= share * Double(total)
    }
    if fits(limit) { return limit }
    guard fits(1) else { return min(limit, smallest) }
    var fitting = 1
    while limit - fitting > 1 {
      let middle = fitting + (limit - fitting) / 2
      if fits(middle) { fitting = middle } else { limit = middle }
    }
    return fitting
  }

  /// The examples that stay, in their order; of a tenant with too many a choice that depends on
  /// nothing but the seed and the contents.
  func apply<Element>(
    to elements: [Element], seed: UInt64, tenant: (Element) -> String?,
    digest: (Element) -> ContentDigest
  ) -> [Element] {
    let places = Dictionary(grouping: elements.indices) { tenant(elements[$0]) }
    let limit = limit(counts: places.values.map(\.count))
    var kept = Set<Int>()
    for indices in places.values {
      guard indices.count > limit else { kept.formUnion(indices); continue }
      let drawn = indices.map { index in
        (
          place: ContentDigest(of: seed.littleEndianBytes + digest(elements[index]).bytes).fraction,
          index: index
        )
      }.sorted { $0 < $1 }
      kept.formUnion(drawn.prefix(limit).map(\.index))
    }
    return elements.indices.filter { kept.contains($0) }.map { elements[$0] }
  }
}
