import ArgumentParser
import DeadLetters
import Foundation
import Hosting
import Records
import Settings

struct DeadLetterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dead-letter",
    abstract: "Look at records that could not be judged, and send them again.",
    discussion: """
      Both commands read the topic topics.dead_letters up to the end that it has when they start,
      in no consumer group. Texts are never shown.

      Example: sluice dead-letter list --since 12h
      Example: sluice dead-letter replay --reason poison --since 12h --dry-run
      """,
    subcommands: [DeadLetterList.self, DeadLetterReplayCommand.self])

  func run() throws { throw noCommand(Self.self) }
}

/// Which dead letters, of which topic.
struct DeadLetterOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "The settings file.")
  var config = "/etc/sluice/sluice.yaml"

  @Option(
    help: ArgumentHelp(
      "Only letters with this reason; may be repeated.",
      discussion: DeadLetterReason.allCases.map(\.rawValue).joined(separator: ", ")))
  var reason: [String] = []

  @Option(help: ArgumentHelp("Only letters written then or later.", discussion: TimeArgument.help))
  var since: TimeArgument?

  @Option(help: "So many letters at most.")
  var limit: Int?

  func validate() throws {
    for name in reason where DeadLetterReason(rawValue: name) == nil {
      let known = DeadLetterReason.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("there is no reason \(name); there are \(known)")
    }
    if let limit, limit < 1 { throw ValidationError("--limit must be above 0") }
  }

  var selection: LetterSelection {
    LetterSelection(
      reasons: Set(reason.compactMap(DeadLetterReason.init(rawValue:))),
      sinceMilliseconds: since?.milliseconds, limit: limit)
  }

  /// The settings, and clients that log nothing but what fails.
  func connect() throws -> (settings: Settings, clients: KafkaClients) {
    let settings = try loadSettings(config)
    let clients = try KafkaClients(
      settings: settings, environment: ProcessInfo.processInfo.environment)
    return (settings, clients)
  }
}
