import Basics
import Hosting
import Pipeline
import Records
import Synchronization
import TestSupport
import Testing
import Threading
import Transport

/// A machine of which tests decide everything.
private struct TestMachine: HostedMachine {
  var failure: ListCause?
  var received: [Int64] = []
  var log: [String] = []
  var isDrained = true
  var mayLeave = true
  var intakes: [Intake] = []
  var waitingSince: Instant?
  var ticks = 0
  var hasTickWork = false

  mutating func fail(_ failure: ListCause) { if self.failure == nil { self.failure = failure } }
  mutating func assign(_ partitions: [TopicPartition]) { log.append("assign \(partitions.count)") }
  mutating func drain(_ partitions: [TopicPartition]) { log.append("drain \(partitions.count)") }
  func isDrained(_ partitions: [TopicPartition]) -> Bool { isDrained }
  mutating func giveUp(_ partitions: [TopicPartition]) { log.append("give up \(partitions.count)") }
  mutating func intake(now: Instant) -> Intake {
    intakes.isEmpty ? .unchanged : intakes.removeFirst()
  }
  mutating func tick(now: Instant) -> Bool {
    ticks += 1
    return hasTickWork
  }
  mutating func beginLeaving() { log.append("leave") }
}

/// The host step by step in virtual time, and on threads.
@Suite struct MachineHostTests {
  private typealias Host = MachineHost<TestMachine, ListSource>

  /// A clock that stands still but where the host waits; there `during` happens each time.
  private final class ManualTime: Sendable {
    let now = Mutex(Instant.zero)
    let passes = Mutex(0)

    func clock(_ during: @escaping @Sendable (Int) -> Void = { _ in }) -> HostClock {
      HostClock(
        now: { self.now.withLock { $0 } }, wallMilliseconds: { 0 },
        passTime: { until in
          let pass = self.passes.withLock { passes in
            passes += 1
            return passes
          }
          self.now.withLock {
            $0 = max(
              $0.advanced(byMilliseconds: 1), min(until ?? $0, $0.advanced(byMilliseconds: 1_000)))
          }
          during(pass)
        })
    }
  }

  private func host(
    _ source: ListSource, clock: HostClock, _ change: (inout TestMachine) -> Void = { _ in }
  ) -> Host {
    var machine = TestMachine()
    change(&machine)
    return Host(
      machine, source: source, options: .init(drainMilliseconds: 5_000, closeMilliseconds: 2_000),
      clock: clock, readingFailure: { $0 })
  }

  private static func take(_ records: [InputRecord]) -> (inout TestMachine, Instant) -> Void {
    { machine, _ in machine.received += records.map(\.source.offset.rawValue) }
  }

  private func log(_ host: Host) -> [String] { host.look { machine, _ in machine.log } }

  private let two = Array(ListSource.partitions.prefix(2))

  @Test func whatIsReadReachesTheMachineInOrder() {
    let source = ListSource([
      .records([ListSource.record(0), ListSource.record(1)]), .records([ListSource.record(2)]),
    ])
    let host = host(source, clock: ManualTime().clock())
    while !source.isAtEnd { #expect(host.read(Self.take)) }
    #expect(host.look { machine, _ in machine.received } == [0, 1, 2])
    #expect(host.look { machine, _ in machine.ticks } == 2)
  }

  @Test func partitionsAreGivenBackOnceTheyAreDrained() {
    let time = ManualTime()
    let source = ListSource([.change(.assigned(two)), .change(.revoked(two))])
    let hosted = Mutex<Host?>(nil)
    defer { hosted.withLock { $0 = nil } }
    let clock = time.clock { pass in
      if pass == 3 { hosted.withLock { $0 }?.update { machine, _ in machine.isDrained = true } }
    }
    let host = host(source, clock: clock) { $0.isDrained = false }
    hosted.withLock { $0 = host }
    #expect(!host.progress.wasAssigned)
    #expect(host.read(Self.take))
    #expect(host.progress.wasAssigned)
    #expect(host.read(Self.take))
    #expect(log(host) == ["assign 2", "drain 2", "give up 2"])
    #expect(time.passes.withLock { $0 } == 3)
  }

  @Test func aDrainThatTakesTooLongIsGivenUp() {
    let time = ManualTime()
    let source = ListSource([.change(.revoked(two))])
    let host = host(source, clock: time.clock()) { $0.isDrained = false }
    #expect(host.read(Self.take))
    #expect(log(host) == ["drain 2", "give up 2"])
    #expect(time.now.withLock { $0 } == Instant(nanoseconds: 5_000_000_000))
  }

  @Test func lostPartitionsAreGivenUpWithoutADrain() {
    let time = ManualTime()
    let host = host(ListSource([.change(.lost(two))]), clock: time.clock()) {
      $0.isDrained = false
    }
    #expect(host.read(Self.take))
    #expect(log(host) == ["give up 2"])
    #expect(time.passes.withLock { $0 } == 0)
  }

  @Test func whileThereIsNoRoomNothingIsPolled() {
    let source = ListSource([])
    let polls = Mutex<[Int]>([])
    let host = host(
      source, clock: ManualTime().clock { _ in polls.withLock { $0.append(source.polls) } }
    ) {
      $0.intakes = [.wait, .wait, .unchanged]
    }
    #expect(host.read(Self.take))
    #expect(polls.withLock { $0 } == [0, 0])
    #expect(source.polls == 1)
  }

  /// After a rebalance a machine may be told to read on and be full all the same.
  @Test func afterAHoldTheMachineIsAskedAgain() {
    let source = ListSource([])
    let time = ManualTime()
    let host = host(source, clock: time.clock()) {
      $0.intakes = [.hold { _ in false }, .wait, .hold { $0.partition == Partition(1) }]
    }
    #expect(host.read(Self.take))
    #expect(source.holds(of: ListSource.partitions[0]) == [false, false])
    #expect(source.holds(of: ListSource.partitions[1]) == [false, true])
    #expect(time.passes.withLock { $0 } == 1)
    #expect(source.polls == 1)
  }

  @Test(arguments: [true, false]) func whoFailsOrStopsWhileWaitingPollsNoMore(fails: Bool) {
    let source = ListSource([])
    let hosted = Mutex<Host?>(nil)
    defer { hosted.withLock { $0 = nil } }
    let clock = ManualTime().clock { _ in
      guard let host = hosted.withLock({ $0 }) else { return }
      if fails { host.update { machine, _ in machine.fail(ListCause("x")) } } else { host.stop() }
    }
    let host = host(source, clock: clock) { $0.intakes = [.wait, .wait, .wait] }
    hosted.withLock { $0 = host }
    #expect(!host.read(Self.take))
    #expect(source.polls == 0)
  }

  @Test func leavingWaitsForTheMachineAndThenGivesBack() {
    let time = ManualTime()
    let source = ListSource([], atClose: .revoked(two))
    let hosted = Mutex<Host?>(nil)
    defer { hosted.withLock { $0 = nil } }
    let clock = time.clock { pass in
      if pass == 2 { hosted.withLock { $0 }?.update { machine, _ in machine.mayLeave = true } }
    }
    let host = host(source, clock: clock) { $0.mayLeave = false }
    hosted.withLock { $0 = host }
    host.leave()
    #expect(log(host) == ["leave", "drain 2", "give up 2"])
    #expect(source.closings == [.seconds(7)])
    #expect(time.passes.withLock { $0 } == 2)
  }

  @Test func whoeverCannotLeaveInTimeLeaves() {
    let time = ManualTime()
    let source = ListSource([])
    let host = host(source, clock: time.clock()) { $0.mayLeave = false }
    host.leave()
    #expect(time.now.withLock { $0 } == Instant(nanoseconds: 5_000_000_000))
    #expect(source.closings.count == 1)
    #expect(!host.progress.leftLate)
  }

  @Test func leavingLateIsTold() {
    let host = host(ListSource([], closesInTime: false), clock: ManualTime().clock())
    host.leave()
    #expect(host.progress.leftLate)
    #expect(host.failure == nil)
  }

  @Test func aHostThatFailedHasNoWork() {
    let host = host(ListSource([]), clock: ManualTime().clock())
    #expect(host.next { _, _ in Decision.perform(1) } == 1)
    host.update { machine, _ in machine.fail(ListCause("x")) }
    #expect(host.next { _, _ in Decision.perform(1) } == nil)
  }

  @Test func aSourceThatFailsEndsTheHostWithItsCause() {
    let source = ListSource([.records([ListSource.record(0)]), .failure(ListCause("gone"))])
    let host = host(source, clock: .system)
    let ended = Mutex(0)
    let failure = host.run(
      take: Self.take,
      workers: [
        (
          "one",
          {
            while host.next({ _, _ in Decision<Int>.wait(until: nil) }) != nil {}
            ended.withLock { $0 += 1 }
          }
        )
      ])
    #expect(failure == ListCause("gone"))
    #expect(ended.withLock { $0 } == 1)
    #expect(source.closings.count == 1, "it leaves all the same")
    #expect(host.isOver)
  }

  @Test func workersAreWokenByWhatIsReadAndByStopping() {
    let source = ListSource([.records((0..<100).map { ListSource.record($0) })])
    let host = host(source, clock: .system)
    let seen = Mutex<[Int64]>([])
    let failure = host.run(
      take: Self.take,
      workers: [
        (
          "one",
          {
            while let number = host.next({ machine, _ -> Decision<Int64> in
              machine.received.isEmpty
                ? .wait(until: nil) : .perform(machine.received.removeFirst())
            }) {
              seen.withLock { $0.append(number) }
              if number == 99 { host.stop() }
            }
          }
        )
      ])
    #expect(failure == nil)
    #expect(seen.withLock { $0 } == Array(0..<100))
  }

  @Test func workersAreWokenByTimeAlone() {
    let host = host(ListSource([]), clock: .system)
    let failure = host.run(
      take: Self.take,
      workers: [
        (
          "one",
          {
            // Only once it waits does time begin to have work for it.
            _ = host.next { machine, _ in
              if machine.hasTickWork && machine.ticks > 3 { return Decision<Void>.perform(()) }
              if !machine.hasTickWork { machine.ticks = 0 }
              machine.hasTickWork = true
              return .wait(until: nil)
            }
            host.stop()
          }
        )
      ])
    #expect(failure == nil)
  }

  @Test func standingStillIsToldFromIdleness() {
    let time = ManualTime()
    let host = host(ListSource([.change(.assigned(two))]), clock: time.clock())
    let minute = Instant(nanoseconds: 60_000_000_000)
    #expect(host.progress.isStalled(now: minute.advanced(byMilliseconds: 1), afterSeconds: 60))
    time.now.withLock { $0 = minute }
    #expect(host.read(Self.take))
    let later = minute.advanced(byMilliseconds: 50_000)
    #expect(!host.progress.isStalled(now: later, afterSeconds: 60))
    #expect(host.progress.isReady(now: later, stallSeconds: 60))
    host.update { machine, _ in machine.waitingSince = .zero }
    #expect(host.progress.isStalled(now: later, afterSeconds: 60))
    host.update { machine, _ in machine.waitingSince = minute }
    #expect(!host.progress.isStalled(now: later, afterSeconds: 60))
    host.update { machine, _ in machine.fail(ListCause("x")) }
    #expect(!host.progress.isReady(now: later, stallSeconds: 60))
  }

  @Test func eachCauseIsToldOnceAMinute() {
    var once = OncePerMinute()
    #expect(once.admit("a", now: .zero) == 0)
    #expect(once.admit("b", now: .zero) == 0)
    for second in 1..<60 {
      #expect(once.admit("a", now: Instant.zero.advanced(byMilliseconds: second * 1_000)) == nil)
    }
    #expect(once.admit("a", now: Instant.zero.advanced(byMilliseconds: 60_000)) == 59)
    for cause in 0..<1_000 { _ = once.admit("c\(cause)", now: .zero) }
    #expect(once.admit("new", now: .zero) == nil, "causes beyond a number share one place")
  }
}
