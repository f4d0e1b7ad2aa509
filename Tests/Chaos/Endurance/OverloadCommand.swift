import ArgumentParser
import Foundation
import Presentation

/// Sends more than can be judged.
struct OverloadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "overload",
    abstract: "Send several times what can be judged, for long, and see whether a filter recovers.",
    discussion: """
      First it is measured what the filter judges in a second. Then about as many exchanges come, and
      it is held still for so much of the time that they are --times what it judges: a slow
      processor, so that the backlog is judged in minutes afterwards, when it may run all the time.
      Exchanges have at most 200 bytes, and there are --records-max of them, for noida-db keeps all
      in memory.

      Example: sluice-chaos overload --seconds 600
      """)

  @OptionGroup var options: EnduranceOptions
  @Option(help: "How long too much comes.") var seconds = 600.0
  @Option(help: "How many times what can be judged.") var times = 10.0
  @Option(help: "Exchanges in that time at most.") var recordsMax = 150_000
  @Option(help: "Seconds of a bearable load before and after.") var calm = 30.0
  @Option(help: "Exchanges with which it is measured what can be judged.") var sample = 3_000
  @Option(help: "MiB by which memory may grow under too much.") var growthMax = 96.0
  @Option(name: .shortAndLong, help: "A folder for the report and logs.")
  var output = ".build/chaos/overload"

  func validate() throws {
    guard seconds > 0, times > 1, recordsMax > 0, calm >= 5, sample > 0, growthMax > 0 else {
      throw ValidationError(
        "--calm is at least 5 and --times above 1; seconds, records and MiB are above 0.")
    }
  }

  func run() async throws {
    let capacity = try await measure()
    let rate = min(capacity, Double(recordsMax) / seconds)
    // It begins with less than that, for what was measured beside other work says too little.
    let share = rate / (times * capacity) / 2
    let overload = calm..<calm + seconds
    // What is left over is judged in that time, with something to spare.
    let recovery = rate * seconds / capacity * 1.5 + calm
    print(
      "\(fixed(capacity, 0)) exchanges a second can be judged; \(fixed(rate, 0)) come while the "
        + "filter runs for about \(percent(share)) of the time")
    let bearable = capacity / 5
    let shape = LoadShape(phases: [
      .init(seconds: calm, rate: bearable), .init(seconds: seconds, rate: rate),
      .init(seconds: recovery, rate: bearable / 4), .init(seconds: calm, rate: bearable),
    ])
    let result = try await options.run(
      plan(
        shape,
        throttle: EndurancePlan.Throttle(during: overload, share: share, rate: rate / times / 1.1)))
    let checks = OverloadChecks(
      samples: result.samples, overload: overload, times: times, growthMax: growthMax,
      bearable: bearable
    ).all
    try options.conclude(
      EnduranceReport(
        title: "More than can be judged", result: result, checks: checks), output)
  }

  /// Exchanges a second when as many wait as one likes.
  private func measure() async throws -> Double {
    let shape = LoadShape(phases: [.init(seconds: 1, rate: Double(sample))])
    let result = try await options.run(plan(shape, throttle: nil))
    let begun = result.samples.first { $0.decided > 0 }
    let ended = result.samples.first { $0.decided >= sample }
    guard result.findings.isEmpty, result.problems.isEmpty, let begun, let ended else {
      try options.conclude(
        EnduranceReport(title: "What can be judged", result: result, checks: []), output)
      throw ExitCode(1)
    }
    // Where all came with one commit, the time before it has to do.
    return begun.decided < sample
      ? Double(sample - begun.decided) / (ended.at - begun.at) : Double(sample) / ended.at
  }

  private func plan(_ shape: LoadShape, throttle: EndurancePlan.Throttle?) -> EndurancePlan {
    EndurancePlan(
      seed: options.seed, shape: shape, texts: .short, variants: 500,
      partitions: options.partitions, model: options.model, precision: options.precision,
      cacheEntries: 0,
      throttle: throttle, retrainSeconds: nil, patience: 600,
      interval: throttle == nil ? 0.05 : max(0.2, seconds / 600), program: options.program,
      cluster: options.place, folder: output)
  }
}
