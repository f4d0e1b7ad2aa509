import ArgumentParser
import Demonstration

struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the filter at work, with nothing to install or configure.",
    discussion: """
      Starts an embedded Kafka broker and the bundled model, sends a few hundred varied records
      through the real daemon, and shows verdicts, counts, latency and throughput. The exit status
      is 0 only if every record came out exactly once, as a verdict or a dead letter.

      The bundled model is small: its card says what it knows and what it misses.
      """)

  func run() throws {
    let isExactlyOnce: Bool
    do {
      isExactlyOnce = try Demonstration { StandardOutput.say($0) }.run()
    } catch {
      throw exitError(for: error)
    }
    if !isExactlyOnce { throw fail("not every record came out exactly once", code: 70) }
  }
}
