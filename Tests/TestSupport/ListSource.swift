package import Records
internal import Synchronization
package import Transport

/// A source over a list: a script of what each poll brings, in order; after its end, nothing.
package final class ListSource: Source {
  /// What one poll brings.
  package enum Poll: Sendable {
    case records([InputRecord])
    case change(AssignmentChange)
    case failure(ListCause)
  }

  private struct State {
    var script: [Poll]
    var held: [@Sendable (TopicPartition) -> Bool] = []
    var polls = 0
    var closings: [Duration] = []
  }

  private let state: Mutex<State>
  private let atClose: AssignmentChange?
  private let closesInTime: Bool

  /// - Parameters:
  ///   - atClose: the last change, told when the source is closed.
  ///   - closesInTime: whether closing ends within its time-out.
  package init(_ script: [Poll], atClose: AssignmentChange? = nil, closesInTime: Bool = true) {
    state = Mutex(State(script: script))
    self.atClose = atClose
    self.closesInTime = closesInTime
  }

  package var polls: Int { state.withLock { $0.polls } }
  /// The time-outs that it was closed with.
  package var closings: [Duration] { state.withLock { $0.closings } }
  /// What each hold said of this partition.
  package func holds(of partition: TopicPartition) -> [Bool] {
    state.withLock { $0.held }.map { $0(partition) }
  }
  package var isAtEnd: Bool { state.withLock { $0.script.isEmpty } }

  package func poll(
    into records: inout [InputRecord], max: Int, timeout: Duration,
    onChange: (AssignmentChange) -> Void
  ) throws(ListCause) {
    let poll = state.withLock { state -> Poll? in
      state.polls += 1
      return state.script.isEmpty ? nil : state.script.removeFirst()
    }
    switch poll {
    case .records(let list): records.append(contentsOf: list)
    case .change(let change): onChange(change)
    case .failure(let cause): throw cause
    case nil: break
    }
  }

  package func hold(where isHeld: (TopicPartition) -> Bool) throws(ListCause) {
    // The closure does not outlive the call, so what it says is noted for the partitions of tests.
    let answers = Dictionary(
      uniqueKeysWithValues: Self.partitions.map { ($0, isHeld($0)) })
    state.withLock { $0.held.append { answers[$0] ?? false } }
  }

  package func close(
    timeout: Duration, onChange: (AssignmentChange) -> Void
  ) throws(ListCause) -> Bool {
    state.withLock { $0.closings.append(timeout) }
    if let atClose { onChange(atClose) }
    return closesInTime
  }

  /// The partitions that tests read.
  package static let partitions = (0..<4).map {
    TopicPartition(topic: "in", partition: Partition(Int32($0)))
  }

  /// A record of the first of them.
  package static func record(_ offset: Int64, value: String = "x") -> InputRecord {
    InputRecord(
      source: SourcePosition(topic: "in", partition: 0, offset: offset), key: nil,
      value: Array(value.utf8))
  }
}

/// A cause that is nothing but its name.
package struct ListCause: TransportCause {
  package let name: String
  package var description: String { name }

  package init(_ name: String) { self.name = name }
}

/// A sink that keeps what it is given, and fails as its script says.
package final class ListSink: Sink {
  package struct Written: Sendable {
    package var records: [OutputRecord] = []
    package var offsets: [TopicPartition: Offset] = [:]
    package var publications = 0
  }

  private let state: Mutex<(written: Written, failures: [PublishFailure<ListCause>?])>

  /// - Parameter failures: how the first publications end; nil for success.
  package init(failures: [PublishFailure<ListCause>?] = []) {
    state = Mutex((Written(), failures))
  }

  package var written: Written { state.withLock { $0.written } }

  package func membership() throws(ListCause) {}

  package func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset], as membership: Void
  ) throws(PublishFailure<ListCause>) {
    let failure = state.withLock { state -> PublishFailure<ListCause>? in
      state.written.publications += 1
      let failure = state.failures.isEmpty ? nil : state.failures.removeFirst()
      guard failure == nil else { return failure }
      state.written.records += records
      state.written.offsets.merge(offsets) { $1 }
      return nil
    }
    if let failure { throw failure }
  }
}
