import ArgumentParser
import DeBERTa
import Files
import Foundation
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
      let publication = ModelPublication(target: target)
      try publication.check()
      do {
        let conversion = try ModelConversion(folder: source, relative: relative)
        try publication.publish(
          selfTestOf: source, try ModelDescription.readToCopy(folder: source)
        ) { try conversion.write(to: $0) }
      } catch let error as ModelError {
        if case .unwritable = error.problem { throw fail("\(target): \(error)", code: 73) }
        throw fail("\(source)/\(error)", code: 66)
      } catch let error as FileError {
        throw fail("\(error)", code: 73)
      }
      StandardOutput.say("\(target) is written")
    }
  }
}
