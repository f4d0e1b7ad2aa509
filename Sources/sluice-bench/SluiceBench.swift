import ArgumentParser

/// Benchmarks of the parts and of the whole.
@main
struct SluiceBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice-bench", abstract: "Benchmarks of Sluice.",
    subcommands: [
      StreamBenchmark.self, LongTextBenchmark.self, EngineBenchmark.self, GPUBenchmark.self,
      ParityBenchmark.self, TrainingBenchmark.self, BrokerCommand.self,
    ])
}
