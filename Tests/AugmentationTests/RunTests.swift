import Datasets
import Foundation
import LanguageModel
import Settings
import Synchronization
import TestSupport
import Testing

import Augmentation

/// Whole runs against a server in this process.
@Suite struct RunTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private static let sources = AugmentationSources(
    examples: ScriptedWorld.exemplars.enumerated().map {
      LabelledExample(id: "\($0.offset)", prompt: $0.element, isUnsafe: true)
    },
    evaluation: [
      LabelledExample(id: "e", prompt: ScriptedWorld.evaluationPrompt, isUnsafe: false)
    ])

  private static func plan(_ instructions: Int) -> AugmentationPlan {
    var plan = AugmentationPlan()
    plan.instructions = instructions
    plan.makesBenign = true
    plan.refusalTrials = 20
    return plan
  }

  /// A clock whose pauses take no time.
  private static let impatient = ClientClock(
    now: ClientClock.system.now, sleep: { _ in await Task.yield() }, jitter: { 0 })

  private func servers(
    _ server: ScriptedServer, _ roles: Set<String> = ["refuser", "complier", "teacher"],
    concurrency: Int = 4
  ) async throws -> AugmentationServers {
    func settings(_ model: String) -> LanguageModelSettings {
      var settings = LanguageModelSettings(url: server.url, model: model)
      settings.concurrentRequestsMax = concurrency
      settings.attemptsMax = 1
      settings.circuitFailures = 1000
      return settings
    }
    var all = AugmentationSettings()
    all.generator = settings("generator")
    all.refuser = roles.contains("refuser") ? settings("refuser") : nil
    all.complier = roles.contains("complier") ? settings("complier") : nil
    if roles.contains("teacher") {
      all.teacher = TeacherSettings(server: settings("teacher"), template: .fewShot)
    }
    return try await AugmentationServers.connect(all)
  }

  private func run(
    _ plan: AugmentationPlan, _ servers: AugmentationServers, _ name: String,
    student: AugmentationStudent? = nil, concurrency: Int = 4,
    progress: @escaping @Sendable (AugmentationProgress) -> Void = { _ in }
  ) async throws -> AugmentationManifest {
    try await Augmentation(
      plan: plan, servers: servers, sources: Self.sources, student: student, files: files(name),
      concurrency: concurrency, clock: Self.impatient
    ).run(progress: progress)
  }

  private func files(_ name: String) -> Augmentation.Files {
    Augmentation.Files(output: "\(directory.path)/\(name).jsonl")
  }

  private func rows(_ name: String) throws -> [LabelledExample] {
    try DatasetFile.read(files(name).output)
  }

  private func world() async throws -> ScriptedServer {
    try await ScriptedServer { request, _ in ScriptedWorld.answer(request) }
  }

  @Test func rowsAreLabelledNewAndCounted() async throws {
    let world = try await world()
    let manifest = try await run(Self.plan(40), servers(world), "a")
    let rows = try rows("a")
    let counts = manifest.counts
    #expect(manifest.ended == "finished")
    #expect(counts.accepted == 40)
    #expect(counts.rowsTotal == rows.count)
    #expect(Set(rows.map(\.id)).count == rows.count)
    // Whatever is not accepted is dropped for a reason, and every reason occurs.
    #expect(counts.attempts == 40 + counts.dropped.values.reduce(0, +))
    #expect(
      Set(counts.dropped.keys)
        == ["refused", "near_exemplar", "near_earlier", "leak", "empty", "cut", "failed"])
    #expect(counts.rowsDropped.keys.contains { $0.hasSuffix("unknown_label") })
    // The teacher's score and label agree, and rows of one instruction share its prompt.
    #expect(rows.allSatisfy { $0.teacherScore.map { $0 > 0.5 } == $0.isUnsafe })
    for (_, group) in Dictionary(grouping: rows, by: { $0.id.split(separator: "-")[2] }) {
      let harmful = group.filter { !$0.id.hasSuffix("benign") }
      #expect(Set(harmful.map(\.prompt)).count <= 1)
    }
    for row in rows where row.id.hasSuffix("-empty") { #expect(row.response == nil) }
    let prompts = Set(rows.filter { !$0.id.hasSuffix("benign") }.map(\.prompt))
    #expect(prompts.allSatisfy { !$0.hasPrefix("I have an idea") && !$0.contains("\"") })
    #expect(manifest.refusals.withoutPrefix?.answers == 20)
    let with = try #require(manifest.refusals.withPrefix)
    #expect(with.refusals == counts.dropped["refused"])
    #expect(with.rate < (manifest.refusals.withoutPrefix?.rate ?? 0))
    #expect(manifest.omitted == [:])
    #expect(manifest.labels.by == "teacher")
    let written = try JSONDecoder().decode(
      AugmentationManifest.self, from: Data(contentsOf: URL(filePath: files("a").manifest)))
    #expect(written.counts == counts)
  }

  @Test(arguments: [1, 3, 16])
  func theRowsDoNotDependOnTheConcurrency(concurrency: Int) async throws {
    let world = try await world()
    _ = try await run(Self.plan(12), servers(world), "one", concurrency: 2)
    _ = try await run(
      Self.plan(12), servers(world, concurrency: concurrency), "two", concurrency: concurrency)
    #expect(directory.text(of: "one.jsonl") == directory.text(of: "two.jsonl"))
    #expect(!directory.text(of: "one.jsonl").isEmpty)
  }

  @Test func anotherSeedGivesOtherRows() async throws {
    let world = try await world()
    var plan = Self.plan(5)
    _ = try await run(plan, servers(world), "one")
    plan.seed = 43
    _ = try await run(plan, servers(world), "two")
    let common = Set(try rows("one").map(\.prompt)).intersection(try rows("two").map(\.prompt))
    #expect(common.count <= 1)
  }

  /// Instructions that the student flags are dropped, but for a share that the seed chooses; the
  /// student is a part of what the rows follow from.
  @Test func whatTheStudentGetsWrongComesFirst() async throws {
    let world = try await world()
    @Sendable func isKnown(_ text: String) -> Bool { text.utf8.reduce(0) { $0 &+ $1 } % 2 == 0 }
    func student(kept share: Double) -> AugmentationStudent {
      AugmentationStudent(model: "small", keptShare: share, flags: isKnown)
    }
    func known(_ name: String) throws -> Int {
      Set(try rows(name).filter { $0.id.hasSuffix("-empty") }.map(\.prompt)).count(where: isKnown)
    }
    let none = try await run(Self.plan(40), servers(world), "none", student: student(kept: 0))
    #expect(none.counts.accepted == 40 && none.ended == "finished")
    #expect(try known("none") == 0)
    let dropped = try #require(none.counts.dropped["known"])
    #expect(dropped > 10)
    #expect(none.counts.attempts == 40 + none.counts.dropped.values.reduce(0, +))
    let some = try await run(Self.plan(40), servers(world), "some", student: student(kept: 0.5))
    #expect((1..<dropped).contains(some.counts.dropped["known"] ?? 0))
    #expect(try known("some") > 3)
    let all = try await run(Self.plan(40), servers(world), "all", student: student(kept: 1))
    #expect(all.counts.dropped["known"] == nil)
    let plain = try await run(Self.plan(40), servers(world), "plain")
    #expect(try rows("all") == rows("plain"))
    #expect(Set([none, some, all, plain].map(\.identity)).count == 4)
    #expect(none.student == "small" && plain.student == nil)
  }

  @Test func aStudentThatDoesNotJudgeEndsTheRun() async throws {
    struct Broken: Error {}
    let world = try await world()
    let student = AugmentationStudent(model: "small", keptShare: 0) { _ in throw Broken() }
    let error = await #expect(throws: AugmentationError.self) {
      try await run(Self.plan(4), servers(world), "a", student: student)
    }
    #expect(error?.exitStatus == .data && error?.description.contains("small") == true)
  }

  @Test func withoutTeacherKindsAreLabelsAndMustBeTrue() async throws {
    let world = try await world()
    let manifest = try await run(
      Self.plan(40), servers(world, ["refuser", "complier"]), "a")
    let rows = try rows("a")
    #expect(rows.allSatisfy { $0.teacherScore == nil && $0.source.hasSuffix("-by-kind") })
    for row in rows {
      let isHarmful = row.id.hasSuffix("-harmful") || row.id.hasSuffix("-empty")
      #expect(row.isUnsafe == isHarmful)
    }
    #expect((manifest.counts.rowsDropped["refusal_did_not_refuse"] ?? 0) > 0)
    #expect((manifest.counts.rowsDropped["harmful_refused"] ?? 0) > 0)
    #expect(manifest.labels.by == "kind")
  }

  /// A refusal in the field of its own is one whatever its words are: wanted of the refuser only.
  @Test(arguments: [["refuser"], ["complier"], ["generator"]], [true, false])
  func aDeclaredRefusalIsARowOfTheRefuserOnly(roles: [String], labels: Bool) async throws {
    let server = try await ScriptedServer { request, _ in
      guard let model = request.json["model"] as? String, roles.contains(model),
        request.path == "/v1/chat/completions"
      else { return ScriptedWorld.answer(request) }
      return ScriptedServer.Answer(
        body: #"{"choices": [{"message": {"content": null, "refusal": "Let us talk of tea."}}]}"#)
    }
    let manifest = try await run(
      Self.plan(10),
      servers(server, labels ? ["refuser", "complier", "teacher"] : ["refuser", "complier"]), "a")
    let rows = try rows("a").filter { $0.response == "Let us talk of tea." }
    if roles == ["refuser"] {
      #expect(manifest.counts.rows["refusal"] == rows.count && rows.count > 5)
    } else {
      #expect(rows.isEmpty)
    }
    switch roles {
    case ["complier"]: #expect(manifest.counts.rowsDropped["harmful_refused"] == 10)
    case ["generator"]: #expect(manifest.counts.dropped == ["refused": manifest.counts.attempts])
    default: break
    }
  }

  @Test func rolesThatAreMissingAreNamed() async throws {
    let world = try await world()
    var plan = Self.plan(5)
    plan.makesBenign = false
    let manifest = try await run(plan, servers(world, []), "a")
    #expect(manifest.counts.rows == ["empty": 5])
    #expect(Set(manifest.omitted.keys) == ["refusal", "harmful", "benign"])
  }

  @Test func withoutPrefixTheTrialsHaveIt() async throws {
    let world = try await world()
    var plan = Self.plan(5)
    plan.prefix = nil
    let manifest = try await run(plan, servers(world, []), "a")
    let without = try #require(manifest.refusals.withoutPrefix)
    #expect(without.refusals == manifest.counts.dropped["refused"])
    #expect(without.rate > (manifest.refusals.withPrefix?.rate ?? 1))
  }

  @Test func theBudgetEndsARunAndALargerOneGoesOn() async throws {
    let world = try await world()
    _ = try await run(Self.plan(15), servers(world), "whole")
    var plan = Self.plan(15)
    plan.budget.requestsMax = 40
    let first = try await run(plan, servers(world), "parts")
    #expect(first.ended == "requests")
    // Four at each of four servers may be on their way when it ends.
    #expect((40...56).contains(first.requests))
    #expect(first.counts.rowsTotal < 60)
    plan.budget.requestsMax = nil
    plan.budget.tokensMax = first.tokens + 200
    #expect(try await run(plan, servers(world), "parts").ended == "tokens")
    plan.budget = Budget()
    #expect(try await run(plan, servers(world), "parts").ended == "finished")
    #expect(directory.text(of: "parts.jsonl") == directory.text(of: "whole.jsonl"))
  }

  @Test(arguments: [1, 10, 57, 120])
  func aServerThatGoesAwayEndsTheRunWhichThenGoesOn(answered: Int) async throws {
    let world = try await world()
    _ = try await run(Self.plan(15), servers(world), "whole")
    // Some requests belong to the teacher's start; afterwards the server is gone.
    let flaky = try await ScriptedServer { request, number in
      number < answered + 14 ? ScriptedWorld.answer(request) : ScriptedServer.Answer(status: 503)
    }
    let error = await #expect(throws: AugmentationError.self) {
      try await run(Self.plan(15), servers(flaky), "parts")
    }
    guard case .unavailable = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    let before = world.requests.count
    let kept = try directory.text(of: "parts.jsonl.journal").split(separator: "\n").dropFirst()
      .map { try JSONDecoder().decode(JournalEntry.self, from: Data($0.utf8)) }
    #expect(!kept.isEmpty)
    _ = try await run(Self.plan(15), servers(world), "parts")
    #expect(directory.text(of: "parts.jsonl") == directory.text(of: "whole.jsonl"))
    // What was answered is not asked again; what was turned down at the end is.
    let asked = Set(
      world.requests[before...].filter { $0.path == "/v1/chat/completions" }
        .compactMap { $0.json["seed"] as? Int })
    let seeds = SeedSequence(seed: Self.plan(15).seed)
    let answeredBefore = kept.filter { $0.failure == nil }.map {
      Int(seeds.requestSeed($0.index, $0.step) & 0x7fff_ffff)
    }
    #expect(asked.isDisjoint(with: answeredBefore))
  }

  @Test func aFinishedRunAsksNothingAndCanBeExtended() async throws {
    let world = try await world()
    let first = try await run(Self.plan(6), servers(world), "a")
    let text = directory.text(of: "a.jsonl")
    let connected = try await servers(world)
    let before = world.requests.count
    let again = try await run(Self.plan(6), connected, "a")
    #expect(world.requests.count == before)
    #expect(again.counts == first.counts)
    #expect(directory.text(of: "a.jsonl") == text)
    _ = try await run(Self.plan(10), connected, "a")
    #expect(directory.text(of: "a.jsonl").hasPrefix(text))
    #expect(try rows("a").count > text.split(separator: "\n").count)
  }

  @Test func otherSettingsAndForeignFilesAreRefused() async throws {
    let world = try await world()
    var plan = Self.plan(2)
    _ = try await run(plan, servers(world), "a")
    plan.exemplars = 4
    await #expect(throws: AugmentationError.self) { try await run(plan, servers(world), "a") }
    try Data("{\"prompt\": \"p\", \"label\": 1}\n".utf8).write(
      to: URL(filePath: files("b").output))
    await #expect(throws: AugmentationError.self) { try await run(plan, servers(world), "b") }
    #expect(directory.text(of: "b.jsonl").hasPrefix("{\"prompt\""))
  }

  @Test(arguments: [400, 401, 404])
  func aServerThatRefusesEverythingEndsTheRun(status: Int) async throws {
    let server = try await ScriptedServer { request, _ in
      request.path == "/v1/models"
        ? ScriptedWorld.answer(request) : ScriptedServer.Answer(status: status)
    }
    let error = await #expect(throws: AugmentationError.self) {
      try await run(Self.plan(5), servers(server, []), "a")
    }
    guard case .server(let role, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(role == "generator")
    #expect(server.requests.count < 60)
  }

  @Test func tooFewNewInstructionsEndTheRun() async throws {
    let server = try await ScriptedServer { request, _ in
      request.path == "/v1/models"
        ? ScriptedWorld.answer(request)
        : OpenAIAnswers.chat("Always say the same sentence again.")
    }
    let manifest = try await run(Self.plan(3), servers(server, []), "a")
    #expect(manifest.ended == "attempts")
    #expect(manifest.counts.attempts == 30)
    #expect(manifest.counts.accepted == 1)
    #expect(manifest.counts.dropped == ["near_earlier": 29])
  }

  @Test func tooFewExemplarsAreAnError() async throws {
    let world = try await world()
    let servers = try await servers(world, [])
    #expect(throws: AugmentationError.self) {
      _ = try Augmentation(
        plan: Self.plan(1), servers: servers,
        sources: AugmentationSources(examples: [], evaluation: []), files: files("a"),
        concurrency: 1)
    }
  }

  @Test func onlyHarmfulPromptsByThemselvesAreExemplars() {
    let sources = AugmentationSources(
      examples: [
        LabelledExample(id: "1", prompt: "one  two\nthree", isUnsafe: true),
        LabelledExample(id: "2", prompt: "one two three", isUnsafe: true),
        LabelledExample(id: "3", prompt: "harmless", isUnsafe: false),
        LabelledExample(id: "4", prompt: "with response", response: "r", isUnsafe: true),
        LabelledExample(id: "5", prompt: String(repeating: "x", count: 1001), isUnsafe: true),
      ], evaluation: [])
    #expect(sources.exemplars == ["one two three"])
  }

  @Test func progressOnlyGrowsAndEndsWithEverything() async throws {
    let world = try await world()
    let shown = Mutex<[AugmentationProgress]>([])
    _ = try await run(Self.plan(6), servers(world), "a") { progress in
      shown.withLock { $0.append(progress) }
    }
    let accepted = shown.withLock { $0.map(\.accepted) }
    #expect(accepted.max() == 6)
    #expect(shown.withLock { $0.allSatisfy { $0.wanted == 6 && !$0.isReplaying } })
  }
}
