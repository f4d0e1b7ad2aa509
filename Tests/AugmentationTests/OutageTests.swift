import Datasets
import LanguageModel
import Settings
import Synchronization
import TestSupport
import Testing

import Augmentation

/// Servers that are out of order, or turn down everything, in the midst of a run.
@Suite struct OutageTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private static let sources = AugmentationSources(
    examples: ScriptedWorld.exemplars.map {
      LabelledExample(id: $0, prompt: $0, isUnsafe: true)
    }, evaluation: [])

  /// A clock whose pauses end with the task only.
  private static let endless = ClientClock(
    now: ClientClock.system.now,
    sleep: { _ in
      await untilCancelled()
      throw CancellationError()
    }, jitter: { 0 })

  /// A clock whose pauses take no time.
  private static let impatient = ClientClock(
    now: ClientClock.system.now, sleep: { _ in await Task.yield() }, jitter: { 0 })

  private func run(
    _ server: ScriptedServer, _ name: String, circuitFailures: Int = 1_000,
    clock: ClientClock = OutageTests.impatient
  ) async throws -> AugmentationManifest {
    func settings(_ model: String) -> LanguageModelSettings {
      var settings = LanguageModelSettings(url: server.url, model: model)
      settings.concurrentRequestsMax = 4
      settings.attemptsMax = 1
      settings.circuitFailures = circuitFailures
      return settings
    }
    var all = AugmentationSettings()
    all.generator = settings("generator")
    all.refuser = settings("refuser")
    all.complier = settings("complier")
    all.teacher = TeacherSettings(server: settings("teacher"), template: .fewShot)
    var plan = AugmentationPlan()
    plan.instructions = 40
    plan.refusalTrials = 0
    return try await Augmentation(
      plan: plan, servers: AugmentationServers.connect(all), sources: Self.sources,
      files: Augmentation.Files(output: "\(directory.path)/\(name).jsonl"), concurrency: 4,
      clock: clock
    ).run()
  }

  private func failure(
    _ server: ScriptedServer, circuitFailures: Int = 1_000,
    clock: ClientClock = OutageTests.impatient
  ) async throws -> AugmentationError {
    try #require(
      await #expect(throws: AugmentationError.self) {
        try await run(server, "parts", circuitFailures: circuitFailures, clock: clock)
      })
  }

  /// The same as `ScriptedWorld`, but for one model.
  private func world(
    without model: String, after answered: Int, _ answer: ScriptedServer.Answer
  ) async throws -> ScriptedServer {
    let seen = Mutex(0)
    return try await ScriptedServer { request, _ in
      guard request.json["model"] as? String == model, request.path.hasSuffix("completions")
      else { return ScriptedWorld.answer(request) }
      let number = seen.withLock { seen in
        seen += 1
        return seen
      }
      return number > answered ? answer : ScriptedWorld.answer(request)
    }
  }

  /// The first key that is refused opens the circuit, and the other tasks wait for it.
  @Test(.timeLimit(.minutes(1)), arguments: [401, 402, 403, 404, 307])
  func nobodyWaitsOnceTheRunHasEnded(status: Int) async throws {
    let server = try await world(
      without: "generator", after: 0, ScriptedServer.Answer(status: status))
    let error = try await failure(server, circuitFailures: 1, clock: Self.endless)
    guard case .server("generator", let problem) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(problem.contains("status \(status)"))
  }

  /// Nobody can mend a server of which only is said that it is left alone.
  @Test func whatOpenedTheCircuitIsTold() async throws {
    let server = try await world(
      without: "generator", after: 0, ScriptedServer.Answer(body: "<html>Just a moment</html>"))
    let error = try await failure(server, circuitFailures: 1)
    guard case .unavailable("generator", let problem) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(problem.contains("not the JSON of this endpoint"))
  }

  /// A parameter that the server does not know, or no money, with the status of a bad request.
  @Test(arguments: ["generator", "refuser", "complier", "teacher"], [0, 8])
  func aServerThatTurnsDownEverythingEndsTheRunWhichThenGoesOn(
    model: String, answered: Int
  ) async throws {
    let server = try await world(
      without: model, after: answered, ScriptedServer.Answer(status: 400))
    let error = try await failure(server)
    guard case .server(model, let problem) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(problem.contains("status 400"))
    let well = try await ScriptedServer { request, _ in ScriptedWorld.answer(request) }
    #expect(try await run(well, "parts").ended == "finished")
    // Without instructions and labels there were no rows: nothing of it is left.
    if answered == 0, ["generator", "teacher"].contains(model) {
      _ = try await run(well, "whole")
      #expect(directory.text(of: "parts.jsonl") == directory.text(of: "whole.jsonl"))
    }
  }
}
