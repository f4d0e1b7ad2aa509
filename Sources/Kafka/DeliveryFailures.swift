internal import Synchronization

/// Collects the records of one round of sending that did not reach the broker.
///
/// Each record carries a tag through librdkafka: the round it belongs to and its index in the
/// round. A late report of a round that was given up is told apart by its tag.
package final class DeliveryFailures: Sendable {
  /// A record that failed.
  package struct Failure: Equatable {
    package let index: Int
    package let code: KafkaErrorCode
  }

  private struct State {
    var round: UInt = 0
    var failures: [Failure] = []
  }

  /// 32 bits for the index; the round takes the bits above.
  private static let indexBits: UInt = 32
  private let state = Mutex(State())

  package init() {}

  /// Starts a round and returns its part of the tags.
  package func beginRound() -> UInt {
    state.withLock { state in
      state.round = (state.round + 1) & (UInt.max >> Self.indexBits)
      state.failures.removeAll()
      return state.round << Self.indexBits
    }
  }

  /// Notes a delivery report. Records that an abort removed are not failures.
  package func note(tag: UInt, code: KafkaErrorCode) {
    if code == .none || code == .purgedFromQueue || code == .purgedInFlight { return }
    state.withLock { state in
      guard tag >> Self.indexBits == state.round else { return }
      let index = Int(tag & (UInt.max >> Self.indexBits))
      state.failures.append(Failure(index: index, code: code))
    }
  }

  /// The failures of the current round, in the order of their records.
  package var failures: [Failure] {
    state.withLock { $0.failures }.sorted { $0.index < $1.index }
  }
}
