internal import Basics
package import Datasets
internal import Glibc
package import Guard
internal import Pipeline
internal import Records

/// Measures what judging costs.
package struct CostTrial: Sendable {
  /// Exchanges that are measured; which ones follows from the seed.
  package var exchangesMax = 200
  package var seed: UInt64 = 42
  /// What an hour of this machine costs, in any currency; nil leaves prices out.
  package var pricePerHour: Double?

  private static let rounds = 3

  package init() {}

  /// Judges some of the examples together, several times, and then each alone.
  package func run(
    _ examples: [LabelledExample], with model: GuardModel
  ) throws(EvaluationFailure) -> CostReport {
    let exchanges = try sequences(of: examples, model)
    let all = exchanges.flatMap { $0 }
    let tokens = all.reduce(0) { $0 + $1.count }
    let operations = all.reduce(0.0) {
      $0 + Double($1.count) * model.operationsPerToken(length: $1.count)
    }
    var together: [Double] = []
    var alone: [Double] = []
    do throws(ClassifierFailure) {
      try model.warmUp()
      for _ in 0..<Self.rounds { together.append(try seconds(all, model)) }
      for exchange in exchanges { alone.append(try seconds(exchange, model)) }
    } catch {
      throw .classifier(error)
    }
    together.sort()
    alone.sort()
    return CostReport(
      device: model.device, exchanges: exchanges.count,
      tokensPerExchange: Double(tokens) / Double(exchanges.count),
      operationsPerToken: operations / Double(tokens),
      secondsPerToken: together[together.count / 2] / Double(tokens),
      secondsAlone: alone[alone.count / 2],
      secondsAloneMost: alone[min(alone.count - 1, alone.count * 99 / 100)],
      peakMemoryBytes: Self.peakMemoryBytes, pricePerHour: pricePerHour)
  }

  private func sequences(
    of examples: [LabelledExample], _ model: GuardModel
  ) throws(EvaluationFailure) -> [[TokenSequence]] {
    var chosen: [[TokenSequence]] = []
    for example in examples.places(inOrderOf: seed).prefix(exchangesMax).map({ examples[$0] }) {
      do throws(TokenizationFailure) {
        let exchange = Exchange(prompt: example.prompt, response: example.response)
        let sequences = try model.sequences(for: exchange)
        chosen.append(sequences.prompt + sequences.response)
      } catch {
        throw .unsuitable(error.detail)
      }
    }
    return chosen
  }

  private func seconds(
    _ sequences: [TokenSequence], _ model: GuardModel
  ) throws(ClassifierFailure) -> Double {
    let start = Instant.now
    _ = try model.scores(sequences)
    return Instant.now.seconds(since: start)
  }

  private static var peakMemoryBytes: Int {
    var usage = rusage()
    _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }
}
