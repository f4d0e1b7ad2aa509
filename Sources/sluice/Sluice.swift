import ArgumentParser

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
      written, 75 stopped before the end, 78 mistake in the configuration; retrain adds 10: the
      gate refused the new model.
      """,
    version: "0.1.0",
    subcommands: [
      Serve.self, Label.self, Retrain.self, Classify.self, Evaluate.self, Distill.self,
      Augment.self, Model.self, DeadLetterCommand.self, Check.self, Device.self, Demo.self,
    ])
}
