import ArgumentParser

/// Lets the whole system run for long.
struct SoakCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soak",
    abstract: "Let a filter run for long with all that belongs to it, and see whether it grows.",
    discussion: """
      A filter and a labelling service (its teacher answers at random) under a load with bursts; now
      and then there is a retraining, which lets a new model in, or the former one comes back. Every
      verdict must be that of the model which it names. Memory, handles, threads and latencies must
      not grow: the last quarter of the time beside the second.

      Example: sluice-chaos soak --seconds 3600 --rate 15
      """)

  @OptionGroup var options: EnduranceOptions
  @Option(help: "How long exchanges come.") var seconds = 3_600.0
  @Option(help: "Exchanges a second; for a tenth of the time it is --burst times as many.")
  var rate = 12.0
  @Option(help: "How many times as many come in a burst.") var burst = 8.0
  @Option(help: "Into how many equal times retrainings divide it.") var retrainings = 12
  @Option(help: "Different texts.") var variants = 1_500
  @Option(name: .shortAndLong, help: "A folder for the report and logs.")
  var output = ".build/chaos/soak"

  func validate() throws {
    guard seconds >= 12, rate > 0, burst >= 1, variants >= 24, retrainings > 0 else {
      throw ValidationError(
        "--seconds are at least 12, --variants 24, --burst 1, --rate and --retrainings above 0.")
    }
  }

  func run() async throws {
    let period = seconds / 60
    let plan = EndurancePlan(
      seed: options.seed,
      shape: .bursts(
        seconds: seconds, rate: rate, every: period, times: burst, for: period / 10),
      variants: variants, partitions: options.partitions, model: options.model,
      precision: options.precision,
      cacheEntries: 10_000, retrainSeconds: seconds / Double(retrainings), patience: 300,
      interval: max(0.2, seconds / 3_600), program: options.program, cluster: options.place,
      folder: output)
    let result = try await options.run(plan)
    try options.conclude(
      EnduranceReport(
        title: "In the long run", result: result, checks: Steadiness(result.samples).checks), output
    )
  }
}
