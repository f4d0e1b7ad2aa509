import Basics
import Foundation
import LabelStore
import TestSupport
import Testing

/// A store's file after a disk has changed some of it: it is refused, or it can be read and
/// written, with an error where need be. Nothing ends the process.
@Suite struct DamagedFileTests {
  /// A store with labels, closed.
  private struct Sound {
    let directory: TemporaryDirectory
    let path: String
    let bytes: Data

    init() throws {
      directory = try TemporaryDirectory()
      path = directory.path + "/labels.sqlite"
      do {
        let store = try LabelStore(path: path)
        let labels = (0..<12).map {
          label(
            $0, response: $0 % 3 == 0 ? nil : ownText($0 + 100), tenant: $0 % 2 == 0 ? "a" : nil)
        }
        try store.save(labels, timeToLiveMilliseconds: 1_000_000, isPublished: false)
        try store.keep([1, 2, 3], as: "state")
      }
      bytes = try Data(contentsOf: URL(filePath: path))
    }

    /// The same with these bytes.
    func write(_ bytes: Data) throws {
      for name in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + name) }
      try bytes.write(to: URL(filePath: path))
    }
  }

  /// Everything that is done with a store.
  private static func use(_ path: String) throws {
    let store = try LabelStore(path: path)
    _ = try? store.counts()
    _ = try? store.unpublished(limit: 100)
    _ = try? store.labellingTimes(since: 0, limit: 100)
    _ = try? store.kept(as: "state")
    for split in Split.allCases {
      _ = try? store.examples(ExampleQuery(split: split, nowMilliseconds: 0))
    }
    for label in [label(3), label(100)] {
      if let key = label.key {
        _ = try? store.label(key)
        _ = try? store.placement(of: key.digest)
        try? store.markPublished([key])
      }
      try? store.save([label], timeToLiveMilliseconds: nil, isPublished: false)
    }
    _ = try? store.erase(.exchange("exchange-5"))
    _ = try? store.purge(nowMilliseconds: 1_001_500)
  }

  @Test(arguments: [
    ("stratum TEXT", "strat\u{7}m TEXT"), ("teacher_score REAL NOT", "teacher_score REAL NOX"),
    ("labelled_at INTEGER", "labelled_bt INTEGER"), ("offset INTEGER", "offsat INTEGER"),
    ("near_group INTEGER NOT NULL", "near_group INTEGER     NULL"),
  ])
  func otherTablesAreRefused(old: String, new: String) throws {
    let sound = try Sound()
    var bytes = sound.bytes
    let place = try #require(bytes.firstRange(of: Data(old.utf8)))
    bytes.replaceSubrange(place, with: Data(new.utf8))
    try sound.write(bytes)
    let failure = #expect(throws: LabelStoreError.self) { try LabelStore(path: sound.path) }
    let said = failure?.description ?? ""
    #expect(said.contains("damaged"), "\(said)")
  }

  @Test(arguments: 1...4) func anyByteMayBeAnother(changes: Int) throws {
    let sound = try Sound()
    var random = SeededGenerator(seed: UInt64(changes))
    // Most of a page is empty.
    let places = sound.bytes.indices.filter { sound.bytes[$0] != 0 }
    var refused = 0
    for _ in 0..<150 {
      var bytes = sound.bytes
      for _ in 0..<changes {
        bytes[places.randomElement(using: &random) ?? 0] = .random(in: 0...255, using: &random)
      }
      try sound.write(bytes)
      do {
        try Self.use(sound.path)
      } catch is LabelStoreError {
        refused += 1
      }
    }
    #expect(0 < refused && refused < 150, "\(refused) of 150 refused")
  }
}
