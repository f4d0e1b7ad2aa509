import Basics
import Foundation
import Kafka
import LabelService
import LabelStore
import LanguageModel
import Logging
import Records
import Settings
import Synchronization
import TestSupport
import Testing
import Threading
import Wire

/// The whole service on mock brokers, with a teacher in this process.
@Suite(.serialized) struct LabelDaemonTests {
  @Test func exchangesBecomeLabelsInTheTopicAndInTheStore() async throws {
    let bench = try await LabelBench()
    try bench.send(0..<40)
    let teacher = ScriptedTeacher()
    let labels = try await bench.run(teacher) { try bench.labels(40) }
    #expect(Set(labels.map(\.id)) == Set((0..<40).map { "x\($0)" }))
    for label in labels {
      #expect(label.isUnsafe == (label.prompt.utf8.count % 2 == 0))
      #expect(label.inclusionProbability == 1)
      #expect(label.guardModel == "guard@0")
      #expect(try bench.store.label(#require(label.key)) == label)
    }
    #expect(teacher.asked == 40)
    #expect(try bench.store.unpublished(limit: 1).isEmpty)
    #expect(try bench.committed() == 80, "40 exchanges and 40 verdicts")
  }

  @Test func whatTheServiceWritesDoesNotExistForItsConsumer() async throws {
    let bench = try await LabelBench(inputs: ["^(in|labels)$"])
    try bench.send(0..<4)
    var assigned = 0
    let labels = try await bench.run(
      ScriptedTeacher(),
      inspect: { daemon in assigned = daemon.snapshot.assigned },
      until: { try bench.labels(4) })
    #expect(labels.count == 4)
    #expect(assigned == 3 * LabelBench.partitionCount, "of in, verdicts and disagreements")
  }

  @Test func disagreementsBecomeLabelsAndStayOutOfTheEstimates() async throws {
    let bench = try await LabelBench(
      sampling: "{random_rate: 0.000001, uncertainty_rate: 0, disagreement_rate: 1}")
    try bench.send(0..<20)
    try bench.disagree(0..<12)
    try bench.produce([
      OutputRecord(topic: "disagreements", partition: nil, key: nil, value: Array("{}".utf8))
    ])
    var page = ""
    let labels = try await bench.run(
      ScriptedTeacher(),
      inspect: { daemon in
        try? bench.wait { daemon.snapshot.counters.unreadable == 1 }
        page = daemon.snapshot.metricsPage().text()
      }, until: { try bench.labels(12) })
    #expect(Set(labels.map(\.id)) == Set((0..<12).map { "d\($0)" }))
    for label in labels {
      #expect(label.stratum == "disagreement")
      #expect(abs(label.inclusionProbability - 0.5) < 1e-5, "half of them met the challenger")
      #expect(label.guardScore == Score(0.1))
      #expect(label.source?.topic == "in")
    }
    #expect(page.contains("sluice_labels_total{stratum=\"disagreement\"} 12"))
    #expect(page.contains("sluice_label_disagreements_total 12"))
    #expect(page.contains("sluice_live_judged 20"))
    #expect(page.contains("sluice_live_labels 0"))
  }

  @Test func aTeacherThatFailsForAWhileLosesNoLabel() async throws {
    let bench = try await LabelBench()
    try bench.send(0..<20)
    let teacher = ScriptedTeacher(failures: 6)
    let labels = try await bench.run(teacher) { try bench.labels(20) }
    #expect(Set(labels.map(\.id)).count == 20)
    #expect(teacher.asked == 26)
  }

  @Test func aServiceThatEndsInMidWorkLosesNoLabel() async throws {
    let bench = try await LabelBench(drainMilliseconds: 0)
    try bench.send(0..<30)
    // The first answers some and then never again; it is stopped without waiting for the rest.
    let stuck = ScriptedTeacher(answersMax: 7)
    _ = try await bench.run(stuck) { try bench.labels(7) }
    let before = try bench.store.counts().labels
    #expect(before >= 7)
    let labels = try await bench.run(ScriptedTeacher()) { try bench.labels(30) }
    #expect(Set(labels.map(\.id)) == Set((0..<30).map { "x\($0)" }))
    #expect(try bench.store.counts().labels == 30)
  }

  @Test func aLabelThatACrashKeptFromTheTopicIsPublishedAtTheNextStart() async throws {
    let bench = try await LabelBench()
    var label = try #require(
      TeacherLabel(
        id: "old", contentDigest: ContentDigest(prompt: "old", response: nil).bytes,
        prompt: "old", teacherScore: Score(0.5), isUnsafe: false, teacher: "scripted",
        templateDigest: ContentDigest(of: [1]).bytes, inclusionProbability: 1,
        stratum: "random", labelledAtMilliseconds: 0) as TeacherLabel?)
    label.labelledAtMilliseconds = Int64(Date().timeIntervalSince1970 * 1000)
    try bench.store.save([label], timeToLiveMilliseconds: nil, isPublished: false)
    let labels = try await bench.run(ScriptedTeacher()) { try bench.labels(1) }
    #expect(labels == [label])
    #expect(try bench.store.unpublished(limit: 1).isEmpty)
  }

  @Test func aTombstoneErasesTheLabelFromTheStore() async throws {
    let bench = try await LabelBench()
    try bench.send(0..<5)
    let digest = ContentDigest(prompt: LabelBench.prompt(3), response: nil)
    _ = try await bench.run(ScriptedTeacher()) {
      _ = try bench.labels(5)
      try bench.produce([
        OutputRecord(
          topic: bench.labelsTopic, partition: nil, key: Array(digest.description.utf8), value: nil)
      ])
      try bench.wait { try bench.store.placement(of: digest) == nil }
      return []
    }
    #expect(try bench.store.counts().labels == 4)
  }

  @Test func expiredLabelsGoFromStoreAndTopicWhileNothingComes() async throws {
    let bench = try await LabelBench()
    let old = TeacherLabel(
      id: "old", contentDigest: ContentDigest(prompt: "old", response: nil).bytes,
      prompt: "old", teacherScore: Score(0.5), isUnsafe: false, teacher: "scripted",
      templateDigest: ContentDigest(of: [1]).bytes, inclusionProbability: 1,
      stratum: "random", labelledAtMilliseconds: 1_000)
    try bench.store.save([old], timeToLiveMilliseconds: 1, isPublished: true)
    _ = try await bench.run(ScriptedTeacher()) {
      try bench.waitForTombstone(of: try #require(old.key).digest)
      return []
    }
    #expect(try bench.store.counts().labels == 0)
  }

  @Test func theMetricsPageTellsOfLabelsAndTeacher() async throws {
    let bench = try await LabelBench()
    try bench.send(0..<20)
    var page = ""
    _ = try await bench.run(
      ScriptedTeacher(), inspect: { page = $0.snapshot.metricsPage().text() },
      until: { try bench.labels(20) })
    #expect(page.contains("sluice_labels_total{stratum=\"random\"} 20"))
    #expect(try MetricsReaders.complaints(about: page, format: "prometheus") == "")
    #expect(page.contains("sluice_teacher_requests_total 20"))
    #expect(page.contains("sluice_teacher_budget_left 980"))
    #expect(page.contains("sluice_live_recall{bound=\"lower\"}"))
    #expect(!page.contains("prompt number"), "no text of users")
  }
}

/// The hour's requests over a real client, with a server in this process and a store.
@Suite(.serialized) struct TeacherHourTests {
  @Test func noRestartRefillsTheHourOfTheTeacher() async throws {
    // The first three questions are answered at the second try.
    let failures = Mutex(3)
    let server = try await ScriptedServer { request, _ in
      let fails = failures.withLock { left in
        guard request.path == "/v1/completions", left > 0 else { return false }
        left -= 1
        return true
      }
      return fails ? ScriptedServer.Answer(status: 503) : ScriptedWorld.answer(request)
    }
    func completions() -> Int { server.requests.count { $0.path == "/v1/completions" } }
    let bench = try await LabelBench(
      teacher: "{url: \"\(server.url)\", model: teacher, template: few_shot}", requestsPerHour: 30)
    try bench.send(0..<40)
    for run in 1...3 {
      let before = server.requests.count
      let teacher = try await LabelApplication.teacher(bench.label, bench.store)
      let started = server.requests.count - before
      #expect(teacher.statement.sent == started)
      let left = run == 1 ? 30 - started : 0
      #expect(teacher.statement.budgetLeft == left)
      _ = try await bench.run(
        teacher,
        inspect: { daemon in
          #expect(daemon.snapshot.metricsPage().text().contains("sluice_teacher_budget_left 0"))
        },
        until: {
          // Whatever is left has been tried: it waits.
          try bench.wait { teacher.statement.sent == started + left }
          return []
        })
      #expect(completions() == 30 - 8, "run \(run)")
    }
    #expect(
      try bench.store.spending(limit: 30, wallMilliseconds: 0).map(\.count).reduce(0, +) == 46)
  }

  /// A key that ran out, a model that is not loaded yet, a gateway's page: the exchanges wait.
  @Test(arguments: [
    (401, ""), (200, #"{"error": {"message": "x"}}"#), (200, "<html>Just a moment</html>"),
    // So long as it has answered nobody, no single request is to blame: no money, says OpenAI so.
    (400, ""), (200, #"{"choices": [{"finish_reason": "error", "text": ""}]}"#),
  ])
  func aServerThatRefusesForAWhileCostsNoExchange(status: Int, body: String) async throws {
    let refusals = Mutex(0)
    let server = try await ScriptedServer { request, _ in
      let refuses = refusals.withLock { left in
        guard request.path == "/v1/completions", left > 0 else { return false }
        left -= 1
        return true
      }
      return refuses
        ? ScriptedServer.Answer(status: status, body: body)
        : ScriptedWorld.answer(request)
    }
    let bench = try await LabelBench(
      teacher: """
        {url: "\(server.url)", model: teacher, template: few_shot, attempts_max: 1, \
        circuit_failures: 2, circuit_open_seconds: 1}
        """)
    let teacher = try await LabelApplication.teacher(bench.label, bench.store)
    refusals.withLock { $0 = 6 }
    try bench.send(0..<10)
    // Of one prompt this teacher never tells a probability.
    let labels = try await bench.run(
      teacher, inspect: { #expect($0.snapshot.counters.left[.teacherFailed] == nil) },
      until: { try bench.labels(9) })
    #expect(Set(labels.map(\.id)).count == 9)
    #expect(refusals.withLock { $0 } == 0)
  }

  @Test func aKnownContentCostsNoRequest() async throws {
    let server = try await ScriptedServer { request, _ in ScriptedWorld.answer(request) }
    let bench = try await LabelBench(
      teacher: "{url: \"\(server.url)\", model: teacher, template: few_shot}")
    let teacher = try await LabelApplication.teacher(bench.label, bench.store)
    let known = (0..<20).map { number in
      let prompt = LabelBench.prompt(number)
      return TeacherLabel(
        id: "old", contentDigest: ContentDigest(prompt: prompt, response: nil).bytes,
        prompt: prompt, teacherScore: Score(0.5), isUnsafe: false,
        teacher: teacher.identity.model, templateDigest: teacher.identity.templateDigest.bytes,
        inclusionProbability: 1, stratum: "random", labelledAtMilliseconds: .max / 2)
    }
    try bench.store.save(known, timeToLiveMilliseconds: nil, isPublished: true)
    let before = teacher.statement
    try bench.send(0..<20)
    _ = try await bench.run(
      teacher, inspect: { #expect($0.snapshot.counters.reused == 20) },
      until: {
        try bench.wait { try bench.committed() == 40 }
        return []
      })
    #expect(teacher.statement.sent == before.sent)
    #expect(teacher.statement.budgetLeft == before.budgetLeft)
  }

  /// Until the requests themselves were kept, labels told of the hour.
  @Test func aStoreOfTheFormerVersionStillTellsOfItsHour() throws {
    let directory = try TemporaryDirectory()
    let store = try LabelStore(path: directory.path + "/labels.sqlite")
    let wall: Int64 = 1_700_000_000_000
    let labels = [10, 20, 3_599, 3_601].enumerated().map { number, seconds in
      TeacherLabel(
        id: "x", contentDigest: ContentDigest(prompt: "\(number)", response: nil).bytes,
        prompt: "\(number)", teacherScore: Score(0.5), isUnsafe: false, teacher: "t",
        templateDigest: ContentDigest(of: [1]).bytes, inclusionProbability: 1,
        stratum: "random", labelledAtMilliseconds: wall - Int64(seconds) * 1_000)
    }
    try store.save(labels, timeToLiveMilliseconds: nil, isPublished: true)
    var spending = try store.spending(limit: 100, wallMilliseconds: wall)
    #expect(spending.map(\.count) == [1, 1, 1])
    var budget = HourlyBudget(limit: 5)
    budget.remember(spending, at: .zero, wallMilliseconds: wall)
    let left = budget.left(at: .zero)
    #expect(left == 2)

    try store.keep([HourlyBudget.Spending(milliseconds: wall, count: 4)])
    spending = try store.spending(limit: 100, wallMilliseconds: wall)
    #expect(spending == [HourlyBudget.Spending(milliseconds: wall, count: 4)])
    try store.keep(Array("damaged".utf8), as: "teacher_requests")
    spending = try store.spending(limit: 100, wallMilliseconds: wall)
    #expect(spending.count == 3)
  }
}

/// A teacher that says unsafe of prompts of an even length.
final class ScriptedTeacher: Teacher {
  let identity = TeacherIdentity(model: "scripted", templateDigest: ContentDigest(of: [1]))
  private struct State {
    var account = RequestAccount(
      breaker: CircuitBreaker(
        failuresMax: 1_000, openDuration: .seconds(1), openDurationMax: .seconds(1)),
      budget: HourlyBudget(limit: 1_000))
    var asked = 0
    var failures: Int
    var answersLeft: Int
  }
  private let state: Mutex<State>

  init(failures: Int = 0, answersMax: Int = .max) {
    state = Mutex(State(failures: failures, answersLeft: answersMax))
  }

  var asked: Int { state.withLock { $0.asked } }

  var statement: RequestAccount.Statement {
    state.withLock { $0.account.statement(at: .zero, wallMilliseconds: 0) }
  }

  func score(prompt: String, response: String?) async throws(TeacherError) -> TeacherOpinion {
    enum Turn { case fail, hang, answer }
    let turn = state.withLock { state -> Turn in
      state.asked += 1
      _ = state.account.admit(at: .zero, patience: .seconds(1))
      if state.failures > 0 {
        state.failures -= 1
        return .fail
      }
      if state.answersLeft == 0 { return .hang }
      state.answersLeft -= 1
      return .answer
    }
    switch turn {
    case .fail: throw .server(LanguageModelError(.timedOut, url: "http://scripted"))
    case .hang:
      // Until the service cancels it.
      await untilCancelled()
      throw .server(LanguageModelError(.cancelled, url: "http://scripted"))
    case .answer: return .probability(prompt.utf8.count % 2 == 0 ? 0.9 : 0.1)
    }
  }
}
