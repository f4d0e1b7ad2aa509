import ArgumentParser
import DeBERTa
import Files
import Foundation
import ModelRegistry
internal import StrictJSON

struct ModelAverageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "average",
    abstract: "Make a model of the mean of several models' weights.",
    discussion: """
      For models that were trained from the same start, such as several seeds of one recipe: a
      "model soup" (arXiv 2203.05482) costs what one of them costs, and often judges texts unlike
      the training data better than each. Measure it (sluice evaluate) before it judges anything.

      They must have the same switches, labels and tokenizer. The new folder must not exist, and
      appears whole or not at all.

      Exit status 0 when it is written, 66 when a model cannot be used or differs from the first,
      73 when the folder exists already or cannot be written.

      Example: sluice model average guard-42 guard-123 guard-456 --output guard
      """)

  @Argument(help: "Folders of at least two models.")
  var models: [String]

  @Option(name: .shortAndLong, help: "The folder to write.")
  var output: String

  @Option(help: "Number format of the weights: float32 or float16.")
  var format: Distill.Format = .float32

  func validate() throws {
    guard models.count > 1 else {
      throw ValidationError("of one model there is no mean: name at least two")
    }
  }

  func run() throws {
    try exiting {
      let publication = ModelPublication(target: output)
      try publication.check()
      do {
        let description = try describe()
        let average = try ModelAverage(
          folders: models, unsafeLabels: description.unsafeLabels)
        try publication.publish(selfTestOf: nil, description) { folder in
          try average.write(to: folder, format: format == .float32 ? .float32 : .float16)
        }
      } catch let error as AverageError {
        throw fail("\(error)", code: 66)
      } catch let error as ModelError {
        if case .unwritable = error.problem { throw fail("\(output): \(error)", code: 73) }
        throw fail("\(error)", code: 66)
      } catch let error as FileError {
        throw fail("\(error)", code: 73)
      }
      StandardOutput.say("\(output) is written, the mean of \(models.count) models")
    }
  }

  /// What the models say of themselves, if all say the same; calibrations and figures are theirs.
  private func describe() throws -> ModelDescription {
    var description = try ModelDescription.readToInherit(folder: models[0])
    for model in models.dropFirst()
    where try ModelDescription.readToInherit(folder: model) != description {
      throw AverageError(
        description: "\(model) and \(models[0]) say different things in their sluice.json")
    }
    let names = models.map { JSON.text(URL(filePath: $0).lastPathComponent) }
    description.recipe = ["mean_of": .list(names)]
    return description
  }
}
