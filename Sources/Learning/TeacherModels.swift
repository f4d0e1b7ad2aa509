internal import Datasets
internal import Evaluation
internal import Files
internal import Foundation
internal import Guard
internal import StrictJSON
internal import Tensors

/// Guard models on this machine as teachers: the mean of their P(unsafe) for every example that no
/// teacher has judged yet.
///
/// What they have said is kept in a file by content, so that neither a stopped training nor one on
/// more data asks again.
struct TeacherModels {
  /// The teachers' folders.
  let folders: [String]
  /// The file that keeps their opinions.
  let file: String
  /// Seconds between two writes of that file.
  let saveSeconds: Double

  /// Examples that are judged at a time.
  private static let portion = 256

  /// P(unsafe) by content digest, of one teacher.
  private typealias Opinions = [String: Double]

  /// Writes the teachers' opinion into the examples, and returns the teachers' names.
  func judge(
    _ examples: inout [LabelledExample], pool: WorkerPool, shouldStop: () -> Bool,
    show: (TrainingProgress) -> Void
  ) throws -> [String] {
    let open = examples.indices.filter { examples[$0].teacherScore == nil }
    let texts = open.map { examples[$0] }
    let digests = texts.map(\.digest.description)
    var known = try read()
    var names: [String] = []
    var sums = [Double](repeating: 0, count: open.count)
    for folder in folders {
      let teacher = try DatasetScorer.load(model: folder, pool: pool)
      names.append(teacher.model)
      try ask(teacher, texts, digests, &known, shouldStop, show)
      let opinions = known[teacher.model] ?? [:]
      for (place, digest) in digests.enumerated() { sums[place] += opinions[digest] ?? 0 }
    }
    for (place, index) in open.enumerated() {
      examples[index].teacherScore = sums[place] / Double(folders.count)
    }
    return names
  }

  /// Asks one teacher for what it has not said yet.
  private func ask(
    _ teacher: GuardModel, _ texts: [LabelledExample], _ digests: [String],
    _ known: inout [String: Opinions], _ shouldStop: () -> Bool,
    _ show: (TrainingProgress) -> Void
  ) throws {
    let scorer = DatasetScorer(model: teacher)
    var opinions = known[teacher.model] ?? [:]
    var rest = texts.indices.filter { opinions[digests[$0]] == nil }[...]
    var lastSave = ContinuousClock.now
    while !rest.isEmpty {
      show(.scoring(teacher: teacher.model, done: texts.count - rest.count, of: texts.count))
      let some = rest.prefix(Self.portion)
      rest = rest.dropFirst(some.count)
      let rows = try scorer.score(some.map { texts[$0] }, name: "examples").rows
      for (place, row) in zip(some, rows) { opinions[digests[place]] = row.score }
      let isStopping = shouldStop()
      if isStopping || rest.isEmpty || ContinuousClock.now - lastSave > .seconds(saveSeconds) {
        known[teacher.model] = opinions
        try write(known)
        lastSave = .now
      }
      if isStopping { throw LearningFailure.stopped }
    }
  }

  private func read() throws -> [String: Opinions] {
    guard FileManager.default.fileExists(atPath: file) else { return [:] }
    guard let data = try? Data(contentsOf: URL(filePath: file)),
      let opinions = try? JSONCoder.decode([String: Opinions].self, from: data)
    else {
      throw DatasetError(path: file, line: nil, problem: "is no file of teachers' opinions")
    }
    return opinions
  }

  private func write(_ known: [String: Opinions]) throws {
    try DurableFiles().replace(file, with: try JSONCoder.encode(known))
  }
}
