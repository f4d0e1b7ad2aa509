import ArgumentParser
import Basics
import FilterService
import Foundation
import Guard
import Hosting
import LabelService
import Retraining
import Settings
import Tensors

struct Check: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find mistakes in a settings file.",
    discussion: """
      Offline unless told otherwise: it reads the file, and the certificates, keys and secrets that
      it names for Kafka. Every mistake is shown with file, line and column; unknown keys are
      mistakes, and so are properties of which librdkafka makes no client.

      Example: sluice check --config sluice.yaml
      With --test it also loads the model and judges records of which the verdict is known, one a
      line: {"record": {"prompt": "…", "tenant": "kids"}, "expect": {"action": "quarantine"}};
      expected may be flagged, action, policy, decided_by, score_at_least, score_at_most or error.

      Exit codes: 0 no mistakes; 10 a verdict is not as expected; 65 a line of --test is no test;
      66 a missing file or model; 69 what --connect cannot reach; 78 mistakes.

      Example: sluice check --config sluice.yaml --connect
      Example: sluice check --connect --for serve
      Example: sluice check --config sluice.yaml --test expected.jsonl
      Example: sluice check --schema > sluice.schema.json
      """)

  @Option(name: .shortAndLong, help: "The settings file.")
  var config = "/etc/sluice/sluice.yaml"

  @Flag(
    help: "Also try brokers, topics, secrets, model, collector, teacher, and what retraining needs."
  )
  var connect = false

  /// A command that reads the file.
  enum Reader: String, ExpressibleByArgument, CaseIterable {
    case serve, label, retrain
  }

  @Option(
    name: .customLong("for"),
    help: "Of what to try the connections; may be repeated. All that the file has by default.")
  var readers: [Reader] = []

  @Flag(help: "Print the JSON Schema of settings files, for editors, and check nothing.")
  var schema = false

  @Option(help: "Records with the verdicts that are expected, as JSON lines.")
  var test: String?

  /// How the command ends where verdicts are not as expected.
  static let unexpected: Int32 = 10

  func run() async throws {
    if schema {
      StandardOutput.say(String(decoding: SettingsSchema.json(), as: UTF8.self))
      return
    }
    let settings = try loadSettings(config)
    let environment = ProcessInfo.processInfo.environment
    let mistakes = KafkaClients.mistakes(in: settings, environment: environment)
    if !mistakes.isEmpty { throw mistakesExit(mistakes, in: config) }
    for warning in settings.kafka.warnings { printError(warning.description) }
    if connect {
      do {
        if isWanted(.serve) {
          try await SettingsCheck(settings: settings, environment: environment).run {
            StandardOutput.say($0)
          }
        }
        if isWanted(.label), let label = settings.label {
          try await LabelApplication.check(settings, label, environment: environment) {
            StandardOutput.say($0)
          }
        }
        if isWanted(.retrain), settings.retrain != nil {
          try RetrainJob.check(settings) { StandardOutput.say($0) }
        }
      } catch {
        throw exitError(for: error)
      }
    }
    StandardOutput.say("\(config): no mistakes")
    if let test { try judge(test, settings) }
  }

  private func isWanted(_ reader: Reader) -> Bool { readers.isEmpty || readers.contains(reader) }

  /// Judges the file's records under the settings, and shows each that came out otherwise.
  private func judge(_ path: String, _ settings: Settings) throws {
    guard let text = FileManager.default.contents(atPath: path) else {
      throw fail("\(path): cannot be read", code: ExitStatus.noInput.rawValue)
    }
    do {
      let model = try ModelLoader(
        settings: settings.model, device: InferenceDevice(pool: WorkerPool()),
        policies: LivePolicies(settings.policies)
      ).load()
      var fixtures = VerdictFixtures(
        model: model, policies: settings.policies, conversations: settings.wire.conversations)
      var (tests, failures) = (0, 0)
      for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        guard let finding = try fixtures.check(line) else { continue }
        tests += 1
        if finding.differences.isEmpty { continue }
        failures += 1
        let name = finding.id.map { " (\($0))" } ?? ""
        StandardOutput.say("\(path):\(finding.line)\(name)")
        for difference in finding.differences { StandardOutput.say("  \(difference)") }
      }
      StandardOutput.say("\(tests - failures) of \(tests) verdicts are as expected")
      if failures > 0 { throw ExitCode(Self.unexpected) }
    } catch let mistake as VerdictFixtures.Mistake {
      throw fail("\(path): \(mistake)", code: ExitStatus.data.rawValue)
    } catch let error as ExitCode {
      throw error
    } catch {
      throw exitError(for: error)
    }
  }
}
