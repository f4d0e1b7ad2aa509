import ArgumentParser
import FilterService
import Foundation
import Hosting
import LabelService
import Retraining

struct Check: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find mistakes in a settings file.",
    discussion: """
      Offline unless told otherwise: it reads the file, and the certificates, keys and secrets that
      it names for Kafka. Every mistake is shown with file, line and column; unknown keys are
      mistakes, and so are properties of which librdkafka makes no client.

      Example: sluice check --config sluice.yaml
      Example: sluice check --config sluice.yaml --connect
      """)

  @Option(name: .shortAndLong, help: "The settings file.")
  var config = "/etc/sluice/sluice.yaml"

  @Flag(help: "Also try brokers, topics, secrets, model, teacher, and what a retraining needs.")
  var connect = false

  func run() async throws {
    let settings = try loadSettings(config)
    let environment = ProcessInfo.processInfo.environment
    let mistakes = KafkaClients.mistakes(in: settings, environment: environment)
    if !mistakes.isEmpty { throw mistakesExit(mistakes, in: config) }
    for warning in settings.kafka.warnings { printError(warning.description) }
    if connect {
      do {
        try SettingsCheck(settings: settings, environment: environment).run {
          StandardOutput.say($0)
        }
        if let label = settings.label {
          try await LabelApplication.check(settings, label, environment: environment) {
            StandardOutput.say($0)
          }
        }
        if settings.retrain != nil { try RetrainJob.check(settings) { StandardOutput.say($0) } }
      } catch {
        throw exitError(for: error)
      }
    }
    StandardOutput.say("\(config): no mistakes")
  }
}
