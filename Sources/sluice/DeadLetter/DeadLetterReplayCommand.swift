import ArgumentParser
import DeadLetters
import Foundation
import Records

struct DeadLetterReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Send dead letters back to where they came from.",
    discussion: """
      Sends the raw bytes with their key and the sender's headers, to the same partition where there
      is one, and counts in the header sluice-replayed. Letters are sent in transactions: of each,
      all or none. Nothing remembers what was replayed: the same command sends the same letters
      again, so look with --dry-run first and mind --since and --reason.

      Exit codes: 0 all were sent; 65 the broker refuses some; 69 brokers or a topic are not there,
      after as many letters as it says; 75 stopped.

      Example: sluice dead-letter replay --reason poison --since 12h --dry-run
      Example: sluice dead-letter replay --reason too_long --topic chat.long
      """)

  @OptionGroup var options: DeadLetterOptions

  @Option(help: "Send all letters to this topic. Default: each to its source topic.")
  var topic: String?

  @Flag(help: "Read and count, and send nothing.")
  var dryRun = false

  func run() throws {
    let result: DeadLetterReplay.Result
    do {
      let (settings, clients) = try options.connect()
      let deadLetters = settings.outputTopics.deadLetters
      if topic == deadLetters {
        throw ValidationError("--topic is the dead-letter topic itself")
      }
      StopSignal.listen()
      result = DeadLetterReplay(
        clients: clients, topic: deadLetters, target: topic, isDryRun: dryRun,
        shouldStop: { StopSignal.isRaised }
      ).run(options.selection)
    } catch let error as ValidationError {
      throw error
    } catch {
      throw exitError(for: error)
    }
    report(result)
    if let failure = result.failure { throw exitError(for: failure) }
    if result.wasStopped { throw fail("stopped before the end", code: 75) }
    if result.refused > 0 { throw fail("some letters cannot be sent", code: 65) }
  }

  private func report(_ result: DeadLetterReplay.Result) {
    let verb = dryRun ? "would replay" : "replayed"
    let total = result.replayed.values.reduce(0, +)
    StandardOutput.say(
      "\(verb) \(total) of \(result.figures.selected) dead letters that were asked for")
    for (topic, count) in result.replayed.sorted(by: { $0.key < $1.key }) {
      StandardOutput.say("  \(count) to \(topic)")
    }
    if !dryRun { StandardOutput.say("  in \(result.transactions) transactions") }
    if result.withoutPayload > 0 {
      StandardOutput.say("  \(result.withoutPayload) have lost their payload, which was too large")
    }
    if result.refused > 0 { StandardOutput.say("  \(result.refused) are refused by the broker") }
    if result.replaysMax > 1 {
      StandardOutput.say(
        "  some were replayed before: \(result.replaysMax) times with this one at most")
    }
  }
}
