import Basics
import Kafka
import Records
import Synchronization
import Transport

/// A member of the simulated group, as the host of a daemon reads from it.
final class SimulatedSource: Source {
  /// What the group tells the member at its next poll.
  enum News {
    case revoked([TopicPartition], patience: Int)
    case lost([TopicPartition])
    case assigned([TopicPartition])
  }

  private struct State {
    var news: [News] = []
    var positions: [TopicPartition: Offset] = [:]
    var starts: [TopicPartition: Offset] = [:]
    var held: Set<TopicPartition> = []
    var generation = 0
    /// How many more steps the group waits for this member to give its partitions back; nil while
    /// it waits for nothing.
    var patience: Int?
  }

  private let cluster: SimulatedCluster
  private let world: SimulatedWorld
  private let state = Mutex(State())

  init(cluster: SimulatedCluster, world: SimulatedWorld) {
    self.cluster = cluster
    self.world = world
  }

  /// The generation of the last assignment.
  var generation: Int { state.withLock { $0.generation } }

  var hasNews: Bool { state.withLock { !$0.news.isEmpty } }

  var assigned: Set<TopicPartition> { state.withLock { Set($0.positions.keys) } }

  func tell(_ news: News) { state.withLock { $0.news.append(news) } }

  /// Takes a step of the group's patience; false when it is at an end. True where nothing is
  /// awaited.
  func takePatience() -> Bool {
    state.withLock { state in
      guard let patience = state.patience else { return true }
      state.patience = patience - 1
      return patience > 0
    }
  }

  func poll(
    into records: inout [InputRecord], max: Int, timeout: Duration,
    onChange: (AssignmentChange) -> Void
  ) throws(KafkaError) {
    let news = state.withLock { $0.news.isEmpty ? nil : $0.news.removeFirst() }
    guard let news else { return read(into: &records, max: max) }
    switch news {
    case .assigned(let partitions): assign(partitions, onChange)
    case .revoked(let partitions, let patience):
      state.withLock { $0.patience = patience }
      onChange(.revoked(partitions))
      state.withLock { $0.patience = nil }
      forget(partitions)
    case .lost(let partitions):
      onChange(.lost(partitions))
      forget(partitions)
    }
  }

  func hold(where isHeld: (TopicPartition) -> Bool) throws(KafkaError) {
    state.withLock { state in state.held = Set(state.positions.keys.filter(isHeld)) }
  }

  func close(timeout: Duration, onChange: (AssignmentChange) -> Void) throws(KafkaError) -> Bool {
    true
  }

  /// The new assignment begins at the committed offsets.
  private func assign(_ partitions: [TopicPartition], _ onChange: (AssignmentChange) -> Void) {
    let (generation, committed) = cluster.withState { state in
      (state.broker.generation, partitions.map { state.broker.position(of: $0) })
    }
    state.withLock { state in
      state.generation = generation
      for (partition, offset) in zip(partitions, committed) where state.positions[partition] == nil
      {
        state.positions[partition] = offset
        state.starts[partition] = offset
      }
      state.held = []
    }
    onChange(.assigned(partitions))
  }

  private func forget(_ partitions: [TopicPartition]) {
    state.withLock { state in for partition in partitions { state.positions[partition] = nil } }
  }

  private func read(into records: inout [InputRecord], max: Int) {
    let (positions, starts, held) = state.withLock { ($0.positions, $0.starts, $0.held) }
    let readable = positions.keys.filter { !held.contains($0) }.sorted()
    guard let index = world.index(of: readable) else { return }
    let partition = readable[index]
    guard var offset = positions[partition] else { return }
    // Now and then the client fetches again what it already delivered.
    if world.oneIn(20) {
      offset = Swift.max(starts[partition] ?? offset, Offset(offset.rawValue - 2))
    }
    while records.count < max,
      let record = cluster.withState({ $0.broker.record(partition, offset) })
    {
      records.append(record)
      offset = offset.next
    }
    state.withLock { $0.positions[partition] = offset }
  }
}
