import ArgumentParser
import Basics
import Glibc

/// The command line: one command with subcommands.
@main
struct Sluice: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice",
    abstract: "A streaming safety filter for the traffic of language models.",
    discussion: """
      Reads prompt/response pairs from Kafka, judges them with a DeBERTa guard model, and publishes
      one verdict per exchange, exactly once.

      Try it without anything else:      sluice demo
      Judge lines of JSON:               sluice classify --model DIR < exchanges.jsonl
      Measure a model:                   sluice evaluate --model DIR --data FILE --output report
      Train the next model:              sluice retrain --config /etc/sluice/sluice.yaml
      Run the daemon:                    sluice serve --config /etc/sluice/sluice.yaml

      Exit codes: 0 success, 64 usage, 65 bad data, 66 missing or unusable input (model, file),
      69 brokers, topics or servers unavailable, 70 internal failure, 73 output cannot be
      written, 75 stopped before the end, 78 mistake in the configuration; 10 from retrain: the
      gate refused the new model, and from check --test: a verdict is not as expected.
      """,
    version: ProgramVersion.current,
    subcommands: [
      Serve.self, Reload.self, Label.self, Retrain.self, Classify.self, Evaluate.self, Distill.self,
      Augment.self, Model.self, DeadLetterCommand.self, Check.self, Digest.self, Device.self,
      Demo.self,
    ])

  func run() throws { throw noCommand(Self.self) }

  /// Runs the command that the arguments name, and ends the process with its status.
  static func main() async {
    // A pipe whose reader leaves is a failed write and not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    StopSignal.unblock()
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      try StandardOutput.finish()
    } catch {
      leave(with: error)
    }
  }

  /// Texts that were asked for, such as help, are output as any other.
  private static func leave(with error: any Error) -> Never {
    guard exitCode(for: error).isSuccess else { exit(withError: error) }
    let text = fullMessage(for: error)
    if !text.isEmpty { StandardOutput.say(text) }
    do { try StandardOutput.finish() } catch { exit(withError: error) }
    exit()
  }
}
