import LabelService
import LanguageModel
import Records
import Settings
import TestSupport
import Testing

@Suite struct LabelMachineTests {
  @Test func aLabelSaysEverythingThatIsKnown() throws {
    var fixture = MachineFixture(plan: SamplingPlan(randomRate: 1))
    fixture.receivePairs(0..<1, tenant: "acme")
    let request = try fixture.takeRequest()
    fixture.answer(request, 0.75)
    let publication = try fixture.publishDue()
    let label = try #require(publication.labels.first)
    #expect(label.id == "x0")
    #expect(label.tenant == "acme")
    #expect(label.prompt == "prompt 0")
    #expect(label.teacherScore == Score(0.75))
    #expect(label.isUnsafe)
    #expect(label.inclusionProbability == 1)
    #expect(label.stratum == "random")
    #expect(label.guardScore == Score(0.9))
    #expect(label.source?.description == "in/0/0")
    #expect(label.teacher == "teacher")
    #expect(
      publication.offsets
        == [MachineFixture.partitions[0]: Offset(1), MachineFixture.partitions[1]: Offset(1)])
    #expect(fixture.machine.counters.labels == [.random: 1])
  }

  @Test func offsetsWaitForTheLabelsBeforeThem() throws {
    var fixture = MachineFixture()
    fixture.receivePairs(0..<3)
    let requests = [fixture.nextRequest(), fixture.nextRequest(), fixture.nextRequest()]
      .compactMap { $0 }
    fixture.answer(requests[1])
    let early = try fixture.publishDue()
    #expect(early.labels.map(\.id) == ["x1"])
    #expect(early.offsets == [:], "the first is not labelled yet")
    fixture.answer(requests[0])
    fixture.pass(milliseconds: 10)
    let published1 = try fixture.publishDue()
    #expect(published1.offsets.values.allSatisfy { $0 == Offset(2) })
    fixture.answer(requests[2])
    let published2 = try fixture.publishDue()
    #expect(published2.offsets.values.allSatisfy { $0 == Offset(3) })
    #expect(fixture.machine.isDrained)
  }

  @Test func offsetsOfWhatIsNotChosenAreCommittedNowAndThen() {
    var fixture = MachineFixture(plan: SamplingPlan(randomRate: 1e-6, uncertaintyRate: 0))
    fixture.receive((0..<5).map { .passed(MachineFixture.exchange($0).position) })
    fixture.receive((0..<5).map { MachineFixture.verdict($0) })
    let early = fixture.nextPublication()
    #expect(early == nil)
    fixture.pass(milliseconds: 1_000)
    let due = fixture.publish()
    #expect(due?.labels.isEmpty == true)
    #expect(due?.offsets.values.allSatisfy { $0 == Offset(5) } == true)
    fixture.pass(milliseconds: 5_000)
    let none = fixture.nextPublication()
    #expect(none == nil)
  }

  @Test func aFailedPublicationIsMadeAgainWithTheSameLabels() throws {
    var fixture = MachineFixture()
    fixture.receivePairs(0..<2)
    for _ in 0..<2 { fixture.answer(try fixture.takeRequest()) }
    let first = try fixture.takePublication()
    let meanwhile = fixture.nextPublication()
    #expect(meanwhile == nil, "one at a time")
    fixture.machine.publishingFailed(pauseMilliseconds: 100, now: fixture.now)
    let tooEarly = fixture.nextPublication()
    #expect(tooEarly == nil)
    fixture.pass(milliseconds: 100)
    let second = try fixture.publishDue()
    #expect(second.labels == first.labels)
    #expect(second.offsets == first.offsets)
  }

  @Test func equalContentsAreAskedAboutOnce() throws {
    var fixture = MachineFixture()
    fixture.receive((0..<3).map { MachineFixture.exchange($0, prompt: "same") })
    fixture.receive((0..<2).map { MachineFixture.verdict($0) })
    let request = try fixture.takeRequest()
    fixture.receive([MachineFixture.verdict(2)])
    let other = fixture.nextRequest()
    #expect(other == nil)
    fixture.answer(request)
    let publication = try fixture.publishDue()
    #expect(publication.labels.count == 1)
    #expect(publication.offsets.values.allSatisfy { $0 == Offset(3) })
    let estimates = fixture.machine.estimator.estimates(nowMilliseconds: 0)
    #expect(estimates.labels == 3, "each exchange counts for the estimates")
  }

  @Test func aKnownContentIsNotAskedAbout() throws {
    var limits = LabelLimits()
    limits.concurrentMax = 1
    var fixture = MachineFixture(limits)
    fixture.receivePairs(0..<2)
    let first = try fixture.takeRequest()
    let samples = fixture.machine.wasKnown(first.number, isUnsafe: true)
    #expect(samples.count == 1)
    #expect(fixture.machine.counters.reused == 1)
    let second = try fixture.takeRequest()
    #expect(second.prompt == "prompt 1", "its place is free")
  }

  @Test func concurrencyIsBounded() throws {
    var limits = LabelLimits()
    limits.concurrentMax = 2
    var fixture = MachineFixture(limits)
    fixture.receivePairs(0..<10)
    let first = try fixture.takeRequest()
    _ = try fixture.takeRequest()
    let third = fixture.nextRequest()
    #expect(third == nil, "two at a time")
    fixture.answer(first)
    _ = try fixture.takeRequest()
  }

  @Test func whatTheClientKeepsBackWaitsItsTurnAndIsNoAttempt() throws {
    var limits = LabelLimits()
    limits.whenUnavailable = .shed
    limits.attemptsMax = 1
    var fixture = MachineFixture(limits)
    fixture.receivePairs(0..<3)
    for _ in 0..<10 {
      let requests = [try fixture.takeRequest(), try fixture.takeRequest()]
      #expect(requests.map(\.prompt) == ["prompt 0", "prompt 1"], "oldest first")
      for request in requests {
        fixture.machine.withheld(request.number, for: .seconds(90), now: fixture.now)
      }
      guard case .wait(until: let until?) = fixture.machine.nextRequest(now: fixture.now) else {
        Issue.record("nothing may be asked")
        return
      }
      #expect(until == fixture.now.advanced(byMilliseconds: 90_000))
      fixture.now = until
    }
    #expect(fixture.machine.counters.left.isEmpty)
    // An answer shows that the client sends again.
    let requests = [try fixture.takeRequest(), try fixture.takeRequest()]
    fixture.machine.withheld(requests[1].number, for: .seconds(90), now: fixture.now)
    fixture.answer(requests[0])
    #expect(try fixture.takeRequest().prompt == "prompt 1")
  }

  @Test func aTeacherThatIsDownIsLeftAloneAndNothingIsLost() throws {
    var fixture = MachineFixture()
    fixture.receivePairs(0..<1)
    var requests = 0
    // An hour of failures.
    while fixture.now.nanoseconds < 3_600_000_000_000 {
      switch fixture.machine.nextRequest(now: fixture.now) {
      case .perform(let request):
        requests += 1
        fixture.machine.failed(request.number, isRetriable: true, now: fixture.now)
      case .wait(until: let until): fixture.now = try #require(until)
      }
    }
    #expect((10..<80).contains(requests), "\(requests)")
    #expect(fixture.machine.counters.left.isEmpty)
    fixture.pass(milliseconds: 400_000)
    fixture.answer(try fixture.takeRequest())
    let published3 = try fixture.publishDue()
    #expect(published3.labels.count == 1)
  }

  @Test func underTheSheddingPolicyExchangesAreLeftAndCounted() throws {
    var limits = LabelLimits()
    limits.whenUnavailable = .shed
    limits.queueMax = 2
    limits.attemptsMax = 2
    limits.waitMaxMilliseconds = 60_000
    var fixture = MachineFixture(limits)
    fixture.receivePairs(0..<4)
    #expect(fixture.machine.counters.left == [.queueFull: 2])
    let pauses = fixture.machine.pauses()
    #expect(!pauses.exchanges && !pauses.verdicts)
    for _ in 0..<2 {
      fixture.pass(milliseconds: 1_000)
      let request = try fixture.takeRequest()
      fixture.machine.failed(request.number, isRetriable: true, now: fixture.now)
    }
    #expect(fixture.machine.counters.left[.teacherFailed] == 1)
    fixture.pass(milliseconds: 60_000)
    fixture.machine.expire(now: fixture.now)
    #expect(fixture.machine.counters.left[.waitedTooLong] == 1)
    let published4 = try fixture.publishDue()
    #expect(published4.offsets.values.allSatisfy { $0 == Offset(4) })
  }

  @Test func underTheWaitingPolicyAFullQueueStopsTheReading() throws {
    var limits = LabelLimits()
    limits.queueMax = 4
    var fixture = MachineFixture(limits)
    fixture.receivePairs(0..<4)
    var pauses = fixture.machine.pauses()
    #expect(pauses.exchanges && pauses.verdicts)
    fixture.answer(try fixture.takeRequest())
    pauses = fixture.machine.pauses()
    #expect(pauses.exchanges, "it opens when half empty")
    fixture.answer(try fixture.takeRequest())
    pauses = fixture.machine.pauses()
    #expect(!pauses.exchanges && !pauses.verdicts)
  }

  @Test func aTenantsCapLeavesTheRest() {
    var limits = LabelLimits()
    limits.labelsPerTenantPerHour = 2
    var fixture = MachineFixture(limits)
    fixture.receivePairs(0..<5, tenant: "acme")
    fixture.receivePairs(5..<6, tenant: "other")
    #expect(fixture.machine.counters.left == [.tenantCap: 3])
    var asked = 0
    while fixture.nextRequest() != nil { asked += 1 }
    #expect(asked == 3)
  }

  @Test(arguments: TeacherOpinion.Unknown.allCases)
  func anExchangeThatTheTeacherCannotJudgeIsLeft(reason: TeacherOpinion.Unknown) throws {
    var fixture = MachineFixture()
    fixture.receivePairs(0..<2)
    let first = try fixture.takeRequest()
    fixture.machine.answered(first.number, .unknown(reason), now: fixture.now, wallMilliseconds: 0)
    let second = try fixture.takeRequest()
    fixture.machine.failed(second.number, isRetriable: false, now: fixture.now)
    #expect(fixture.machine.counters.left == [.unanswerable: 2])
    fixture.pass(milliseconds: 1_000)
    let published5 = try fixture.publishDue()
    #expect(published5.offsets.values.allSatisfy { $0 == Offset(2) })
  }

  @Test func recordsReadTwiceOrOfOthersAreIgnored() throws {
    var fixture = MachineFixture()
    fixture.receivePairs(0..<1)
    fixture.receivePairs(0..<1)
    #expect(fixture.machine.counters.exchanges == 1)
    fixture.machine.remove(MachineFixture.partitions)
    fixture.receivePairs(1..<2)
    #expect(fixture.machine.counters.exchanges == 1)
    let request = fixture.nextRequest()
    #expect(request == nil, "the next owner asks")
  }

  @Test func anAnswerForAnOldAssignmentIsPublishedAndCommitsNothing() throws {
    var fixture = MachineFixture()
    fixture.receivePairs(0..<1)
    let request = try fixture.takeRequest()
    fixture.machine.remove(MachineFixture.partitions)
    fixture.machine.assign(MachineFixture.partitions)
    fixture.answer(request)
    let publication = try fixture.publishDue()
    #expect(publication.labels.count == 1)
    #expect(publication.offsets == [:])
  }

  @Test func whatIsReadAgainSharesTheAnswerOnItsWay() throws {
    var fixture = MachineFixture()
    fixture.receivePairs(0..<1)
    let request = try fixture.takeRequest()
    fixture.machine.remove(MachineFixture.partitions)
    fixture.machine.assign(MachineFixture.partitions)
    fixture.receivePairs(0..<2)
    fixture.answer(request)
    let publication = try fixture.publishDue()
    #expect(publication.labels.count == 1)
    #expect(publication.offsets.values.allSatisfy { $0 == Offset(1) })
  }

  @Test func anExchangeWithoutAVerdictDoesNotHoldUpTheRest() throws {
    var fixture = MachineFixture()
    fixture.receive([MachineFixture.exchange(0), MachineFixture.exchange(1)])
    fixture.receive([MachineFixture.verdict(0, on: 1)])
    #expect(fixture.machine.counters.left == [.unjudged: 1])
    fixture.receive([MachineFixture.exchange(2)])
    fixture.pass(milliseconds: 600_000)
    fixture.machine.expire(now: fixture.now)
    #expect(fixture.machine.counters.left == [.unjudged: 2])
  }

  @Test func beforeStoppingNothingNewIsAsked() throws {
    var fixture = MachineFixture()
    fixture.receivePairs(0..<2)
    let request = try fixture.takeRequest()
    fixture.machine.isDraining = true
    let other = fixture.nextRequest()
    #expect(other == nil)
    #expect(!fixture.machine.isDrained)
    fixture.answer(request)
    _ = fixture.publish()
    #expect(fixture.machine.isDrained)
  }
}
