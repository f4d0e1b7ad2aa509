import Records
import TestSupport
import Testing
import Wire

@Suite("Decoding")
struct DecodingFuzzTests {
  private static let seeds: [[UInt8]] = [
    Array(
      #"{"id":"c-1","prompt":"Hi \"é\" \ud83d\ude00\n","response":null,"metadata":{"a":[1,{"b":2}]}}"#
        .utf8),
    Array(
      #"{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]},{"role":"assistant"}]}"#
        .utf8),
    [0, 0, 0, 0, 7] + Array(#"{"prompt":"p","x":-1.5e3,"y":[true,false,null,""]}"#.utf8),
    field(1, "c-1") + field(2, "Hi é\0") + field(3, "Hello") + field(6, field(1, "k")),
    [0, 0, 0, 0, 7, 2, 0] + field(2, "p") + field(5, "acme"),
  ]
  /// Bytes that mean something to one of the formats.
  private static let telling =
    Array(#"{}[]",:\u0d8eEtfn-+.1 "#.utf8) + [0, 0x80, 0xC3, 0xFF, 9, 10]

  @Test("never crashes and never says more than the format allows", arguments: 0..<200)
  func mutations(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    var decoder = ExchangeDecoder(defaultFormat: .json)
    for _ in 0..<100 {
      var payload = Self.seeds.randomElement(using: &generator) ?? []
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        Self.mutate(&payload, using: &generator)
      }
      for format in PayloadFormat.allCases {
        do {
          _ = try decoder.decode(payload.span, as: format)
        } catch {
          #expect(error.reason == .malformed || error.reason == .missingPrompt)
          #expect(error.detail.utf8.allSatisfy { $0 < 0x80 })
        }
      }
    }
  }

  @Test("survives random bytes and every truncation")
  func noise() {
    var generator = SeededGenerator(seed: 1)
    var decoder = ExchangeDecoder(defaultFormat: .json)
    for format in PayloadFormat.allCases {
      for seed in Self.seeds {
        for count in 0..<seed.count {
          _ = try? decoder.decode(Array(seed[..<count]).span, as: format)
        }
      }
      for count in 0..<300 {
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
        _ = try? decoder.decode(bytes.span, as: format)
      }
    }
  }

  private static func mutate(_ payload: inout [UInt8], using generator: inout SeededGenerator) {
    let position = Int.random(in: 0...payload.count, using: &generator)
    let byte =
      Bool.random(using: &generator)
      ? telling.randomElement(using: &generator) ?? 0
      : UInt8.random(in: 0...255, using: &generator)
    switch Int.random(in: 0..<5, using: &generator) {
    case 0: payload.insert(byte, at: position)
    case 1: if position < payload.count { payload[position] = byte }
    case 2: if position < payload.count { payload.remove(at: position) }
    case 3: payload.removeSubrange(position...)
    default:
      let end = Int.random(in: position...payload.count, using: &generator)
      payload.insert(contentsOf: payload[position..<end], at: position)
    }
  }
}
