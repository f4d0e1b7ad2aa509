import FilterService
import Kafka
import Records
import Synchronization
import TestSupport
import Testing
import Threading

/// Where the group stands before a daemon has committed anything itself.
@Suite struct GroupOffsetsTests {
  private let low = Offset(3)

  private func assignment(_ partition: Int32, _ number: Int) -> GroupOffsets.Assignment {
    let partition = TopicPartition(topic: "in", partition: Partition(partition))
    return GroupOffsets.Assignment(partition: partition, number: number)
  }

  /// The world as a daemon sees it.
  private final class World: Sendable {
    let unknown = Mutex<[GroupOffsets.Assignment]>([])
    let committed = Mutex<[TopicPartition: Offset]>([:])
    let questions = Mutex(0)
    let fails = Mutex(false)

    func offsets() -> GroupOffsets {
      GroupOffsets(
        interval: .milliseconds(2), unknown: { self.unknown.withLock { $0 } },
        ask: { partitions in
          self.questions.withLock { $0 += 1 }
          if self.fails.withLock({ $0 }) { throw KafkaError(.committed, .timedOut, message: "") }
          return self.committed.withLock { $0.filter { partitions.contains($0.key) } }
        })
    }
  }

  @Test func eachAssignmentIsAskedForOnce() async { await onThreadOfItsOwn { askOnce() } }

  private func askOnce() {
    let world = World()
    let (first, second) = (assignment(0, 1), assignment(1, 2))
    world.unknown.withLock { $0 = [first, second] }
    world.committed.withLock { $0 = [first.partition: Offset(7)] }
    world.fails.withLock { $0 = true }
    let offsets = world.offsets()
    let thread = BlockingThread(name: "offsets") { offsets.run() }
    defer {
      offsets.stop()
      thread.join()
    }
    #expect(comesAbout { world.questions.withLock { $0 } > 2 }, "asked again while it fails")
    #expect(offsets.next(first, low: low) == nil)
    world.fails.withLock { $0 = false }
    #expect(comesAbout { offsets.next(first, low: low) == Offset(7) })
    #expect(offsets.next(second, low: low) == low, "a new group begins with the oldest record")
    #expect(offsets.next(first, low: Offset(9)) == Offset(9), "what is gone is not waited for")
    let questions = world.questions.withLock { $0 }

    // The partition goes and comes back: what others committed meanwhile counts.
    let again = assignment(0, 5)
    world.committed.withLock { $0 = [first.partition: Offset(20)] }
    world.unknown.withLock { $0 = [again, second] }
    #expect(comesAbout { offsets.next(again, low: low) == Offset(20) })
    #expect(comesAbout { offsets.next(first, low: low) == nil }, "nothing old is kept")
    #expect(world.questions.withLock { $0 } == questions + 1)
  }
}
