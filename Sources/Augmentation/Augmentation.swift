internal import Basics
package import LanguageModel
internal import Synchronization

/// Invents harmful instructions and answers to them, labelled for training (HarmAug §3).
///
/// Attempts are numbered. Each asks the generator, and if its instruction is new, the other
/// servers. Many are on their way at a time, but decisions and rows are made in their order: the
/// same seed, data and answers give the same rows. Every answer is in the journal before it is
/// used, so a run that was killed goes on without asking again.
package struct Augmentation: Sendable {
  /// Where the rows go; the journal and the manifest lie beside them.
  package struct Files: Hashable, Sendable {
    package let output: String
    package var journal: String { output + ".journal" }
    package var manifest: String { output + ".manifest.json" }

    package init(output: String) { self.output = output }
  }

  /// Attempts on their way at a time at most, however many requests the servers take.
  package static let attemptsInFlightMax = 256

  private let plan: AugmentationPlan
  private let servers: AugmentationServers
  private let sources: AugmentationSources
  private let student: AugmentationStudent?
  private let files: Files
  private let clock: ClientClock
  private let attemptsInFlight: Int

  /// A run to be.
  ///
  /// - Parameters:
  ///   - student: the model that the rows are for; nil takes every new instruction.
  ///   - concurrency: requests that the generator takes at a time.
  /// - Throws: `AugmentationError.data` when there are too few exemplars.
  package init(
    plan: AugmentationPlan, servers: AugmentationServers, sources: AugmentationSources,
    student: AugmentationStudent? = nil, files: Files, concurrency: Int,
    clock: ClientClock = .system
  ) throws(AugmentationError) {
    guard sources.exemplars.count >= plan.exemplars else {
      throw .data(
        "the data have \(sources.exemplars.count) harmful prompts without response; "
          + "\(plan.exemplars) are needed as exemplars")
    }
    self.plan = plan
    self.servers = servers
    self.sources = sources
    self.student = student
    self.files = files
    self.clock = clock
    // Attempts wait for the slowest before them, so more are begun than are asked at a time.
    attemptsInFlight = min(max(1, concurrency) * 4, Self.attemptsInFlightMax)
  }

  /// Runs until enough instructions are accepted or the budget is used up, and writes the manifest.
  ///
  /// - Throws: `AugmentationError`; what was done stays, and running again goes on.
  package func run(
    progress: @escaping @Sendable (AugmentationProgress) -> Void = { _ in }
  ) async throws(AugmentationError) -> AugmentationManifest {
    let start = clock.now()
    let identity = AugmentationIdentity(plan, servers, sources, student).digest
    let journal = try Journal(path: files.journal, identity: identity)
    let output = try RowFile(files.output)
    if journal.answersFound == 0, output.rowsFound > 0 {
      throw .file(path: files.output, problem: "exists, but its journal does not")
    }
    // A server that turned everything down may have been mended since.
    journal.forgetFailures(after: output.lastInstruction)
    let run = AugmentationRun(
      plan: plan, servers: servers, sources: sources,
      asker: Asker(journal: journal, budget: plan.budget, clock: clock),
      state: RunState(plan: plan, student: student, sources: sources, output: output),
      progress: progress)
    let (stop, counts) = await run.go(attemptsInFlight: attemptsInFlight)
    try journal.synchronize()
    try run.synchronize()
    if case .failed(let error) = stop { throw error }
    var manifest = manifest(identity)
    manifest.ended = ended(stop, counts)
    manifest.counts = counts
    manifest.requests = journal.totals.requests
    manifest.tokens = journal.totals.tokens
    manifest.refusals = refusals(counts)
    manifest.seconds = (clock.now() - start).seconds
    try manifest.write(to: files.manifest)
    return manifest
  }

  private func ended(_ stop: Stop?, _ counts: AugmentationCounts) -> String {
    if case .budget(let limit) = stop { return limit.rawValue }
    return counts.accepted >= plan.instructions ? "finished" : "attempts"
  }

  private func refusals(_ counts: AugmentationCounts) -> AugmentationManifest.Refusals {
    func rate(_ rate: RefusalRate) -> RefusalRate? { rate.answers == 0 ? nil : rate }
    let (asPlanned, otherWay) = (rate(counts.refusals), rate(counts.trialRefusals))
    return plan.prefix == nil
      ? .init(withPrefix: otherWay, withoutPrefix: asPlanned)
      : .init(withPrefix: asPlanned, withoutPrefix: otherWay)
  }

  private func manifest(_ identity: ContentDigest) -> AugmentationManifest {
    var servers: [String: AugmentationManifest.Server] = [:]
    var omitted: [String: String] = [:]
    let clients = [
      ("generator", Optional(self.servers.generator)), ("refuser", self.servers.refuser),
      ("complier", self.servers.complier),
    ]
    for (role, client) in clients {
      servers[role] = client.map { .init(model: $0.model, address: $0.shownAddress) }
    }
    if self.servers.refuser == nil { omitted["refusal"] = "no refuser was named" }
    if self.servers.complier == nil { omitted["harmful"] = "no complier was named" }
    if !plan.makesBenign { omitted["benign"] = "was not asked for" }
    let teacher = self.servers.teacher
    if let teacher {
      servers["teacher"] = .init(model: teacher.identity.model, address: teacher.shownAddress)
    }
    return AugmentationManifest(
      ended: "", identity: identity.description, seed: plan.seed,
      exemplarsPerRequest: plan.exemplars, exemplarsAvailable: sources.exemplars.count,
      evaluationPrompts: sources.evaluation.count, prefix: plan.prefix,
      instructionTemplate: InstructionTemplate.digest(prefix: plan.prefix).description,
      temperature: plan.temperature, topP: plan.topP,
      student: student?.model, studentKeptShare: student?.keptShare,
      instructionTokensMax: plan.instructionTokensMax, responseTokensMax: plan.responseTokensMax,
      nearDuplicateSimilarity: plan.nearDuplicate, leakSimilarity: plan.leak, servers: servers,
      omitted: omitted,
      labels: .init(
        by: teacher == nil ? "kind" : "teacher",
        template: teacher?.identity.templateDigest.description),
      refusals: .init(withPrefix: nil, withoutPrefix: nil), counts: AugmentationCounts(),
      requests: 0, tokens: 0, seconds: 0)
  }
}
