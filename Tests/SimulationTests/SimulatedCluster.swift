import Kafka
import Records
import Synchronization
import TestSupport

/// The broker and the way to it, which several producers share. Requests are held on their way, or
/// their answers are lost; the client's library then sends them again, as librdkafka does.
final class SimulatedCluster: Sendable {
  fileprivate struct Held {
    let request: SimulatedBroker.Request
    let producer: Int
    let epoch: Int
    /// How many requests of anybody's pass before this one arrives.
    var delay: Int
  }

  struct State {
    var broker: SimulatedBroker
    /// Of the world's faults and delays.
    var random: SeededGenerator
    /// Whether requests go astray now.
    var hasFaults = true
    fileprivate var held: [Held] = []
    /// Requests that arrived late, by kind.
    fileprivate(set) var late: [String: Int] = [:]
  }

  /// How a request ended for its sender.
  enum Answer {
    case done(KafkaErrorCode?)
    /// The library gave up: nobody knows what became of the request.
    case timedOut
    /// The process was killed while it waited.
    case killed
  }

  private let state: Mutex<State>
  /// Once in how many requests something goes wrong; 0 for never.
  private let faultsOneIn: Int

  init(broker: SimulatedBroker, seed: UInt64, faultsOneIn: Int) {
    state = Mutex(State(broker: broker, random: SeededGenerator(seed: seed)))
    self.faultsOneIn = faultsOneIn
  }

  func withState<Result>(_ body: (inout State) -> Result) -> Result {
    state.withLock { body(&$0) }
  }

  /// Sends a request until it is answered; `unanswered` counts the copies that were not.
  func exchange(
    _ request: SimulatedBroker.Request, of producer: Int, epoch: Int, unanswered: inout Int
  ) -> Answer {
    state.withLock { state in
      while true {
        Self.release(&state)
        guard state.hasFaults, faultsOneIn > 0, state.random.oneIn(faultsOneIn) else {
          return .done(state.broker.handle(request, of: producer, epoch: epoch))
        }
        if state.random.oneIn(4) {
          // It arrives, and the answer is lost.
          _ = state.broker.handle(request, of: producer, epoch: epoch)
        } else {
          state.held.append(
            Held(
              request: request, producer: producer, epoch: epoch,
              delay: Int.random(in: 1...60, using: &state.random)))
        }
        unanswered += 1
        if state.random.oneIn(6) { return .timedOut }
        if state.random.oneIn(6) { return .killed }
      }
    }
  }

  /// InitProducerId. Whoever waits for its answer does nothing else meanwhile.
  func fence(_ producer: Int) -> Int {
    state.withLock { state in
      Self.release(&state)
      return state.broker.fence(producer)
    }
  }

  /// Lets requests arrive whose time has come. Nobody waits for their answers.
  private static func release(_ state: inout State) {
    for index in state.held.indices { state.held[index].delay -= 1 }
    let due = state.held.filter { $0.delay <= 0 }
    state.held.removeAll { $0.delay <= 0 }
    for late in due {
      _ = state.broker.handle(late.request, of: late.producer, epoch: late.epoch)
      state.late[late.request.kind, default: 0] += 1
    }
  }
}

extension SimulatedBroker.Request {
  /// The kind's name in Kafka's protocol.
  var kind: String {
    switch self {
    case .addPartition: "AddPartitionsToTxn"
    case .produce: "Produce"
    case .addOffsets: "AddOffsetsToTxn"
    case .commitOffsets: "TxnOffsetCommit"
    case .endTransaction: "EndTxn"
    }
  }
}
