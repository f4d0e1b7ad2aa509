import Glibc
import Tensors

extension ModelConfiguration.Relative {
  /// The row of the relative table for a distance (query position - key position):
  /// clamp(bucket(distance) + span, 0, 2·span - 1).
  package func slot(_ distance: Int) -> Int {
    min(max(bucket(distance) + span, 0), 2 * span - 1)
  }

  /// The distance itself up to half the buckets, and beyond that logarithmically fewer buckets:
  /// sign(t) · (mid + ceil(ln(|t|/mid) / ln((max-1)/mid) · (mid-1))).
  private func bucket(_ distance: Int) -> Int {
    guard let buckets else { return distance }
    let middle = buckets / 2
    guard abs(distance) > middle else { return distance }
    // In single precision as PyTorch computes it.
    let farther = logf(Float(abs(distance)) / Float(middle))
    let range = logf(Float(distanceMax - 1) / Float(middle))
    let bucket = Float(middle) + (farther / range * Float(middle - 1)).rounded(.up)
    return distance.signum() * Int(min(bucket, Float(2 * span)))
  }

  /// The slots of every distance in sequences of `tokens`.
  func slotTable(tokens: Int) -> SlotTable {
    SlotTable(reach: max(0, tokens - 1)) { slot($0) }
  }
}
