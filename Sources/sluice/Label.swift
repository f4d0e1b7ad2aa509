import ArgumentParser
import Foundation
import LabelService

struct Label: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the labelling service until SIGTERM or SIGINT.",
    discussion: """
      Reads exchanges and verdicts in a group of its own, samples some, asks the teacher of the
      section label for its opinion, publishes the labels and stores them for retraining. Estimates
      of the guard's recall and false-positive rate on live traffic are on the metrics page.

      Example: sluice label --config /etc/sluice/sluice.yaml
      """)

  @Option(name: .shortAndLong, help: "The settings file.")
  var config = "/etc/sluice/sluice.yaml"

  func run() async throws {
    let settings = try loadSettings(config)
    do {
      let environment = ProcessInfo.processInfo.environment
      try await LabelApplication(settings: settings, environment: environment).run()
    } catch {
      throw exitError(for: error)
    }
  }
}
