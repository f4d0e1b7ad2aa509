import CudaDeBERTa
import CudaDevice
import DeBERTa
import Foundation
import TestSupport
import Testing

/// Which ways to sort distances into slots the attention kernel computes.
@Suite struct DistanceSlotTests {
  private static let tokens = 600

  private func relative(
    buckets: Int, farthest: Int
  ) throws -> ModelConfiguration.Relative {
    let json = """
      {"model_type": "deberta-v2", "vocab_size": 9, "hidden_size": 4, "num_hidden_layers": 1,
       "num_attention_heads": 1, "intermediate_size": 4, "relative_attention": true,
       "position_buckets": \(buckets), "max_relative_positions": \(farthest)}
      """
    return try #require(try ModelConfiguration(json: Data(json.utf8)).relative)
  }

  /// Whether a step of one token is never more than one slot, asked of each distance.
  private func stepsAreSmall(_ relative: ModelConfiguration.Relative) -> Bool {
    (1 - Self.tokens..<Self.tokens - 1).allSatisfy {
      (0...1).contains(relative.slot($0 + 1) - relative.slot($0))
    }
  }

  /// Whether a block of attention.cu finds all slots that it needs in its shared memory, wherever
  /// its tile stands: `tableRows` of the tables for the tile, a `window` of products for each warp.
  private func haveRoom(_ table: DistanceSlots, tile: Int) -> Bool {
    func slot(_ distance: Int) -> Int {
      Int(table.slots[table.reach + min(max(distance, -table.reach), table.reach)])
    }
    return stride(from: -Self.tokens, to: Self.tokens, by: 8).allSatisfy { lowest in
      let rows = (slot(lowest + 2 * tile - 2) | 7) + 1 - slot(lowest) & ~7
      return rows <= 2 * tile + 8
        && stride(from: 0, to: tile, by: 16).allSatisfy { warp in
          let first = slot(lowest + warp) & ~7
          return (slot(lowest + warp + tile + 14) - first) / 8 * 8 + 8 <= tile + 24
        }
    }
  }

  @Test func whatIsComputedNeverStepsOverASlotAndHasRoom() throws {
    var counts = (computed: 0, refused: 0)
    let many = Array(2...40) + [63, 64, 65, 100, 127, 128, 129, 200, 256, 257, 400, 512]
    for buckets in many {
      let nearest = buckets / 2 + 2
      for farthest in Array(nearest...nearest + 20) + [buckets, 2 * buckets, 4 * buckets, 1024]
      where farthest >= nearest {
        let relative = try relative(buckets: buckets, farthest: farthest)
        let table = try? DistanceSlots(relative, tokensMax: Self.tokens)
        #expect((table != nil) == stepsAreSmall(relative), "\(buckets) of \(farthest)")
        guard let table else {
          counts.refused += 1
          continue
        }
        counts.computed += 1
        let found = (1 - Self.tokens..<Self.tokens).map {
          Int(table.slots[table.reach + min(max($0, -table.reach), table.reach)])
        }
        #expect(found == (1 - Self.tokens..<Self.tokens).map(relative.slot))
        #expect(haveRoom(table, tile: 64) && haveRoom(table, tile: 32), "\(buckets), \(farthest)")
      }
    }
    #expect(counts.computed > 300 && counts.refused > 300, "\(counts)")
  }

  /// As published models have them; and one slot for each distance, or for all.
  @Test(arguments: [(256, 512), (128, 512), (32, 128), (-1, 512), (-1, 1 << 14)])
  func usualShapesAreComputed(buckets: Int, farthest: Int) throws {
    let relative = try relative(buckets: buckets, farthest: farthest)
    _ = try DistanceSlots(relative, tokensMax: 1 << 15)
    #expect(try DistanceSlots(nil, tokensMax: 512).slots == [0])
  }

  /// Neither the table nor the search for its end grows with what a configuration says.
  @Test(arguments: [(2, 512), (3, 512), (5, 1 << 24), (256, 1 << 24)])
  func theTableEndsWithTheLongestSequence(buckets: Int, farthest: Int) throws {
    let relative = try relative(buckets: buckets, farthest: farthest)
    let table = try DistanceSlots(relative, tokensMax: Self.tokens)
    #expect(table.reach < Self.tokens && table.slots.count == 2 * table.reach + 1)
  }

  @Test(arguments: [(-1, 1 << 14 + 1), (1 << 14 + 1, 1 << 24)])
  func moreSlotsThanTheTableCanNameAreRefused(buckets: Int, farthest: Int) throws {
    let relative = try relative(buckets: buckets, farthest: farthest)
    #expect(throws: CudaFailure.self) { try DistanceSlots(relative, tokensMax: Self.tokens) }
  }
}
