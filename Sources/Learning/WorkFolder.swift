import DeBERTa
import Foundation

/// Where a training keeps what is not finished: beside its output, on the same file system.
struct WorkFolder {
  private let output: String
  private let path: String

  init(output: String) {
    let trimmed = output.count > 1 && output.hasSuffix("/") ? String(output.dropLast()) : output
    self.output = trimmed
    path = trimmed + ".training"
  }

  /// The training's checkpoint.
  var checkpoint: String { path + "/checkpoint" }

  /// What teachers said of the examples, unless it is kept elsewhere.
  var teacherOpinions: String { path + "/teachers.json" }

  private var evaluations: String { path + "/evaluations.json" }

  func create() throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw LearningFailure.output("\(path): cannot be created")
    }
  }

  func save(_ evaluations: [HeldOutEvaluation]) throws {
    try JSONEncoder().encode(evaluations).write(
      to: URL(filePath: self.evaluations), options: .atomic)
  }

  /// Evaluations saved with a checkpoint; none when there are none.
  func savedEvaluations() -> [HeldOutEvaluation] {
    guard let data = try? Data(contentsOf: URL(filePath: evaluations)) else { return [] }
    return (try? JSONDecoder().decode([HeldOutEvaluation].self, from: data)) ?? []
  }

  /// Writes the model beside its place, moves it there, and removes the work folder.
  func publish(
    _ model: TrainableModel, like base: String, format: WeightFormat, record: TrainingRecord
  ) throws {
    let staged = path + "/model"
    try? FileManager.default.removeItem(atPath: staged)
    try FileManager.default.createDirectory(atPath: staged, withIntermediateDirectories: true)
    try model.save(to: staged, like: base, format: format)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    try encoder.encode(record).write(to: URL(filePath: staged + "/" + TrainingRecord.fileName))
    let name = URL(filePath: output).lastPathComponent
    try Data(LearningCurves(model: name, record: record).html.utf8).write(
      to: URL(filePath: staged + "/" + LearningCurves.fileName))
    do {
      try FileManager.default.moveItem(atPath: staged, toPath: output)
    } catch {
      throw LearningFailure.output("\(output): cannot be created")
    }
    try? FileManager.default.removeItem(atPath: path)
  }
}
