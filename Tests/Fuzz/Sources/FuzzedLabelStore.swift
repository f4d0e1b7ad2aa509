import Basics
import Foundation
import LabelStore
import Records

/// A store of labels whose file was changed in single bytes, as a bad disk changes it: it is
/// refused, or everything in it can be read and written.
enum FuzzedLabelStore {
  private static let sound: [UInt8] = {
    guard let folder = try? ScratchFolder(name: "sound") else { return [] }
    let path = folder.path + "/labels.db"
    do {
      let store = try LabelStore(path: path)
      try store.save((0..<12).map(label), timeToLiveMilliseconds: 1_000_000, isPublished: false)
      try store.keep([1, 2, 3], as: "state")
    } catch {
      fatalError("\(error)")
    }
    return FileManager.default.contents(atPath: path).map(Array.init) ?? []
  }()

  private static func label(_ number: Int) -> TeacherLabel {
    let prompt = "How do I bake bread number \(number)?"
    return TeacherLabel(
      id: "exchange-\(number)", contentDigest: ContentDigest(of: prompt.utf8).bytes, prompt: prompt,
      response: number % 3 == 0 ? nil : "With flour.", tenant: number % 2 == 0 ? "acme" : nil,
      teacherScore: Score(0.25), isUnsafe: number % 4 == 0, teacher: "teacher",
      templateDigest: ContentDigest(of: []).bytes, inclusionProbability: 0.5, stratum: "uniform",
      guardModel: "guard", guardScore: Score(0.5),
      source: SourcePosition(topic: "exchanges", partition: 1, offset: Int64(number)),
      labelledAtMilliseconds: 1_764_000_000_000 + Int64(number))
  }

  /// Each four bytes are a place, which wraps at the file's end, and what stands there from then on.
  static func read(patches: [UInt8], in folder: ScratchFolder) {
    var bytes = sound
    for start in stride(from: 0, to: min(patches.count - 3, 400), by: 4) {
      let place = patches[start..<start + 3].reduce(0) { $0 << 8 | Int($1) }
      bytes[place % bytes.count] = patches[start + 3]
    }
    let path = folder.path + "/labels.db"
    for name in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + name) }
    folder.write(bytes, to: "labels.db")
    guard let store = try? LabelStore(path: path) else { return }
    _ = try? store.counts()
    _ = try? store.unpublished(limit: 100)
    _ = try? store.labellingTimes(since: 0, limit: 100)
    _ = try? store.kept(as: "state")
    for split in [Split.train, .validation, .test] {
      _ = try? store.examples(ExampleQuery(split: split, nowMilliseconds: 1_764_000_000_000))
    }
    let new = [label(3), label(100)]
    for label in new {
      guard let key = label.key else { continue }
      _ = try? store.label(key)
      _ = try? store.placement(of: key.digest)
    }
    _ = try? store.save(new, timeToLiveMilliseconds: nil, isPublished: false)
    _ = try? store.markPublished(new.compactMap(\.key))
    _ = try? store.erase(.exchange("exchange-5"))
    _ = try? store.purge(nowMilliseconds: 1_764_001_000_005)
  }
}
