import DeBERTa
import Files
import Foundation
import ModelRegistry
internal import StrictJSON

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
    do throws(FileError) {
      try Folders.make(path)
    } catch {
      throw LearningFailure.output(error.description)
    }
  }

  func save(_ evaluations: [HeldOutEvaluation]) throws {
    try DurableFiles().replace(self.evaluations, with: JSONCoder.encode(evaluations))
  }

  /// Evaluations saved with a checkpoint; none when there are none.
  func savedEvaluations() -> [HeldOutEvaluation] {
    guard let data = try? Data(contentsOf: URL(filePath: evaluations)) else { return [] }
    return (try? JSONCoder.decode([HeldOutEvaluation].self, from: data)) ?? []
  }

  /// Writes the model beside its place, moves it there, and removes the work folder.
  func publish(
    _ model: TrainableModel, like base: String, format: WeightFormat,
    _ description: ModelDescription, record: TrainingRecord
  ) throws {
    let staged = path + "/model"
    try? FileManager.default.removeItem(atPath: staged)
    try FileManager.default.createDirectory(atPath: staged, withIntermediateDirectories: true)
    do throws(ModelError) {
      try model.save(to: staged, like: base, format: format)
    } catch {
      guard case .unwritable = error.problem else { throw error }
      throw LearningFailure.output("\(staged)/\(error)")
    }
    let name = URL(filePath: output).lastPathComponent
    let curves = Data(LearningCurves(model: name, record: record).html.utf8)
    let files = DurableFiles()
    try files.create(
      staged + "/" + TrainingRecord.fileName,
      with: try JSONCoder.encode(record, .pretty, namesInfinity: true))
    try files.create(staged + "/" + LearningCurves.fileName, with: curves)
    if description != ModelDescription() { try description.write(folder: staged) }
    try files.sync(folder: staged)
    guard !FileManager.default.fileExists(atPath: output) else {
      throw LearningFailure.output("\(output): exists already")
    }
    try files.move(staged, to: output)
    try files.sync(folderOf: output)
    try? FileManager.default.removeItem(atPath: path)
  }
}
