import ArgumentParser

/// Measurements that the reports quote; no part of the service.
@main struct SluiceBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice-bench", abstract: "Measures Sluice.",
    subcommands: [EngineBenchmark.self])
}
