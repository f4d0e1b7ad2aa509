import Kafka
import Records
import TestSupport
import Threading

/// Sends exchanges when they are due, each once and in order.
final class Feeder: Sendable {
  private struct State {
    var sent = 0
    var error: String?
    var isOver = false
  }

  private let state = Monitor(State())
  private let workload: Workload
  private let records: Int
  private let partitions: Int
  private let due: @Sendable (Double) -> Int

  /// Begins at once.
  ///
  /// - Parameter due: how many exchanges are due so many seconds after the beginning.
  init(
    _ ground: Ground, _ workload: Workload, records: Int, partitions: Int,
    due: @escaping @Sendable (Double) -> Int
  ) {
    (self.workload, self.records, self.partitions, self.due) = (workload, records, partitions, due)
    let (servers, topic) = (ground.bootstrapServers, ground.names.input)
    _ = BlockingThread(name: "feeder") { [self] in
      do {
        try feed(servers, topic)
      } catch {
        state.update { $0.error = "\(error)" }
      }
    }
  }

  /// Exchanges of which the broker has acknowledged all.
  var sent: Int { state.withLock { $0.sent } }
  /// Why it stopped before the end.
  var error: String? { state.withLock { $0.error } }

  func stop() { state.update { $0.isOver = true } }

  private func feed(_ bootstrapServers: String, _ topic: String) throws {
    let producer = try KafkaProducer(
      KafkaConfiguration(["bootstrap.servers": bootstrapServers, "enable.idempotence": "true"]))
    let start = ContinuousClock.now
    var number = 0
    while number < records {
      let end = min(records, max(due((ContinuousClock.now - start).seconds), number))
      if end > number {
        try producer.send(
          (number..<end).map { workload.record($0, topic: topic, partitions: partitions) },
          timeout: .seconds(30))
        try producer.flush(timeout: .seconds(30))
        number = end
      }
      let isOver = state.update { state in
        state.sent = number
        return state.isOver
      }
      if isOver { return }
      let pause = ContinuousClock.now + .milliseconds(20)
      state.wait { state -> Monitor<State>.WaitStep<Void> in
        let now = ContinuousClock.now
        return state.isOver || now >= pause ? .done(()) : .sleep(atMost: pause - now)
      }
    }
  }
}
