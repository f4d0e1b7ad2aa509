package import CudaDevice
package import DeBERTa

/// The slot of each distance between a query and a key, as attention.cu reads them.
///
/// The kernel has room for as many slots as a tile has distances: slots must ascend by at most one
/// per distance. Where buckets are nearly as many as the farthest distance, they do not.
package struct DistanceSlots: Sendable {
  /// Distances from -reach to +reach are in the table; the kernel takes those at its ends for all
  /// beyond.
  package let reach: Int
  /// The lowest distance first.
  package let slots: [Int16]
  /// Rows of the relative tables.
  let count: Int

  /// - Parameters:
  ///   - relative: nil for a model without relative attention: one slot serves every distance.
  ///   - tokensMax: of a sequence.
  /// - Throws: `CudaFailure.unsupported` for slots that the kernel does not compute.
  package init(
    _ relative: ModelConfiguration.Relative?, tokensMax: Int
  ) throws(CudaFailure) {
    guard let relative else {
      (reach, slots, count) = (0, [0], 1)
      return
    }
    count = 2 * relative.span
    guard count - 1 <= Int16.max else {
      throw .unsupported(reason: "\(count) relative positions; up to \(1 << 15) are computed")
    }
    // From the first distance on that has the last slot, all have it.
    var reach = 1
    while reach < tokensMax - 1, relative.slot(reach) < count - 1 || relative.slot(-reach) > 0 {
      reach += 1
    }
    let slots = (-reach...reach).map { Int16(relative.slot($0)) }
    for (slot, next) in zip(slots, slots.dropFirst()) where next != slot && next != slot + 1 {
      throw .unsupported(
        reason: "\(relative.span) position_buckets for distances up to \(relative.distanceMax): "
          + "neighbours may lie \(next - slot) buckets apart; up to 1 is computed")
    }
    (self.reach, self.slots) = (reach, slots)
  }
}
