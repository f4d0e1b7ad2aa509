import Foundation
import LabelStore
import Records
import Wire

/// One value of each format that outlives the program that wrote it, and the files that hold them.
///
/// With `SLUICE_STORE_FILES` naming a folder, the tests write the files there first: that is how
/// the folder of a version comes to be, once, when it is published.
enum StoredFiles {
  static let verdict = Verdict(
    id: "c-1", flagged: true, action: .quarantine,
    judgement: Judgement(
      promptScore: Score(0.41), responseScore: Score(0.97), tokens: 214, windows: 1),
    threshold: 0.5, model: "guard-tiny@3f9c2a1b", policy: "default",
    source: SourcePosition(topic: "chat.exchanges", partition: 3, offset: 1042),
    judgedAtMilliseconds: 1_769_850_000_123,
    metadata: [MetadataEntry(name: "k", value: "v"), MetadataEntry(name: "a", value: "\0é")],
    coverage: Coverage(texts: 4, judged: 2, leftOut: ["system": 1, "earlier_turns": 1]))

  static let label = TeacherLabel(
    id: "c-1",
    contentDigest: Array("0123456789abcdef0123456789abcdef".utf8), prompt: "How is bread made?",
    response: "With flour.\0", tenant: "acme", teacherScore: Score(0.125), isUnsafe: false,
    teacher: "teacher-7b", templateDigest: Array("fedcba9876543210fedcba9876543210".utf8),
    inclusionProbability: 0.25, stratum: "random", guardModel: "guard-tiny@3f9c2a1b",
    guardScore: Score(0.41),
    source: SourcePosition(topic: "chat.exchanges", partition: 3, offset: 1042),
    labelledAtMilliseconds: 1_769_850_000_123)

  static let letter = DeadLetter(
    reason: .malformed, detail: "JSON: a string is not closed (byte 7)",
    source: SourcePosition(topic: "chat.exchanges", partition: 3, offset: 1043),
    model: "guard-tiny@3f9c2a1b", attempts: 2)

  static let formats: [PayloadFormat] = [.json, .protobuf]

  static func write(to folder: String) throws {
    func write(_ bytes: [UInt8], _ name: String) throws {
      try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
    }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for format in formats {
      let encoder = VerdictEncoder(echoesMetadata: true)
      try write(encoder.encode(verdict, as: format), "verdict.\(format)")
      try write(TeacherLabelEncoder.encode(label, as: format), "label.\(format)")
    }
    let headers = letter.headers.map {
      "\($0.name)=\(String(decoding: $0.value ?? [], as: UTF8.self))\n"
    }
    try write(Array(headers.joined().utf8), "dead-letter.headers")
    try? FileManager.default.removeItem(atPath: folder + "/labels.sqlite")
    do {
      let store = try LabelStore(path: folder + "/labels.sqlite")
      try store.save([label], timeToLiveMilliseconds: nil, isPublished: true)
      try store.keep([1, 2, 3], as: "estimates")
    }
  }
}
