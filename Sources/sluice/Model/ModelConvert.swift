import ArgumentParser
import DeBERTa
import Files
import Foundation
import Guard
import ModelRegistry

struct ModelConvert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Turn a BERT or RoBERTa into a DeBERTa-v2 that computes the same.",
    discussion: """
      DeBERTa-v2 without relative attention is BERT: the new folder has the same weights, labels and
      tokenizer, and its scores are those of the old one but for rounding. With --relative the new
      model has relative attention, which adds nothing to its scores until it is trained.

      A folder with an encoder alone becomes one; heads for other tasks are left out. The new folder
      must not exist, and appears whole or not at all.

      Exit status 0 when it is written, 66 when the model cannot be used or is no BERT or RoBERTa,
      73 when the folder exists already or cannot be written.

      Example: sluice model convert ./toxic-bert ./toxic-deberta
      Example: sluice model convert ./MiniLM-L6 ./MiniLM-relative --relative
               sluice distill --model ./MiniLM-relative --data train.jsonl --output ./guard
      """)

  @Argument(help: "A folder with a BERT or RoBERTa, in Hugging Face's layout.")
  var source: String

  @Argument(help: "The folder to write.")
  var target: String

  @Flag(help: "Add relative attention for trainings to come, from a table of zeros.")
  var relative = false

  func run() throws {
    try exiting {
      guard !FileManager.default.fileExists(atPath: target) else {
        throw fail("\(target): exists already", code: 73)
      }
      do {
        let conversion = try ModelConversion(folder: source, relative: relative)
        try publish(conversion, try ModelDescription.readToCopy(folder: source))
      } catch let error as ModelError {
        if case .unwritable = error.problem { throw fail("\(target): \(error)", code: 73) }
        throw fail("\(source)/\(error)", code: 66)
      } catch let error as FileError {
        throw fail("\(error)", code: 73)
      }
      StandardOutput.say("\(target) is written")
    }
  }

  /// Writes the folder beside its place and moves it there.
  private func publish(_ conversion: ModelConversion, _ description: ModelDescription?) throws {
    let place = URL(filePath: target)
    let name = ".\(place.lastPathComponent)\(DurableFiles.temporarySuffix)"
    let staged = place.deletingLastPathComponent().appending(path: name)
      .path(percentEncoded: false)
    // What a run left that was killed.
    try? FileManager.default.removeItem(atPath: staged)
    let files = DurableFiles()
    try files.makeFolder(staged)
    do {
      try conversion.write(to: staged)
      try description?.write(folder: staged)
      let test = "\(source)/\(GuardModel.selfTestFile)"
      if FileManager.default.fileExists(atPath: test) {
        try files.copy(test, to: "\(staged)/\(GuardModel.selfTestFile)")
      }
      try files.sync(folder: staged)
      try files.move(staged, to: place.path(percentEncoded: false))
    } catch {
      try? FileManager.default.removeItem(atPath: staged)
      throw error
    }
    try files.sync(folderOf: target)
  }
}
