import Basics
import LabelStore
import Records
import TestSupport

/// A store in a directory that disappears with it.
struct StoreFixture {
  let directory: TemporaryDirectory
  let store: LabelStore
  var path: String { store.path }

  init(shares: SplitShares = SplitShares()) throws {
    directory = try TemporaryDirectory()
    store = try LabelStore(path: directory.path + "/labels.sqlite", shares: shares)
  }
}

/// A label on a text that no other number has.
func label(
  _ number: Int, prompt: String? = nil, response: String? = nil, tenant: String? = nil,
  teacher: String = "teacher", isUnsafe: Bool = false, at milliseconds: Int64 = 1_000
) -> TeacherLabel {
  let prompt = prompt ?? ownText(number)
  return TeacherLabel(
    id: "exchange-\(number)",
    contentDigest: ContentDigest(prompt: prompt, response: response).bytes, prompt: prompt,
    response: response, tenant: tenant, teacherScore: Score(isUnsafe ? 0.9 : 0.1),
    isUnsafe: isUnsafe, teacher: teacher,
    templateDigest: ContentDigest(of: Array("template".utf8)).bytes, inclusionProbability: 0.25,
    stratum: "random", guardModel: "guard@00000000", guardScore: Score(0.4),
    source: SourcePosition(topic: "in", partition: 1, offset: Int64(number)),
    labelledAtMilliseconds: milliseconds)
}

/// A text that is unlike that of any other number, also to MinHash.
func ownText(_ number: Int) -> String {
  var generator = SeededGenerator(seed: UInt64(number))
  let letters = Array("abcdefghijklmnopqrstuvwxyz ")
  return String((0..<60).map { _ in letters.randomElement(using: &generator) ?? " " })
}

extension TeacherLabel {
  var digest: ContentDigest { ContentDigest(prompt: prompt, response: response) }
}
