import DeBERTa
import Foundation
import Testing

@Suite struct RelativePositionTests {
  private func relative(buckets: Int, farthest: Int) throws -> ModelConfiguration.Relative {
    let json = """
      {"model_type": "deberta-v2", "vocab_size": 9, "hidden_size": 4, "num_hidden_layers": 1,
       "num_attention_heads": 1, "intermediate_size": 4, "relative_attention": true,
       "position_buckets": \(buckets), "max_relative_positions": \(farthest)}
      """
    return try #require(try ModelConfiguration(json: Data(json.utf8)).relative)
  }

  /// The formula of Hugging Face's make_log_bucket_position, in double precision.
  private func bucket(_ distance: Int, buckets: Int, farthest: Int) -> Int {
    let middle = Double(buckets / 2)
    let length = abs(Double(distance))
    guard length > middle else { return distance }
    let far = log(length / middle) / log((Double(farthest) - 1) / middle) * (middle - 1)
    return distance.signum() * Int(middle + far.rounded(.up))
  }

  @Test(arguments: [(256, 512), (32, 128), (64, 256), (2, 16)])
  func slotsFollowTheFormula(buckets: Int, farthest: Int) throws {
    let relative = try relative(buckets: buckets, farthest: farthest)
    #expect(relative.span == buckets)
    for distance in -2000...2000 {
      let expected = bucket(distance, buckets: buckets, farthest: farthest) + buckets
      #expect(
        relative.slot(distance) == min(max(expected, 0), 2 * buckets - 1), "\(distance)")
      // Hugging Face looks position-to-content up with the negated reverse distance.
      let reverse = -bucket(-distance, buckets: buckets, farthest: farthest) + buckets
      #expect(min(max(reverse, 0), 2 * buckets - 1) == relative.slot(distance))
      #expect(relative.slot(distance) <= relative.slot(distance + 1))
    }
  }

  @Test func withoutBucketsADistanceIsItsOwnSlot() throws {
    let relative = try relative(buckets: -1, farthest: 64)
    for distance in -63..<64 { #expect(relative.slot(distance) == distance + 64) }
    #expect(relative.slot(-1_000_000) == 0)
    #expect(relative.slot(1_000_000) == 127)
  }
}
