internal import LanguageModel
internal import Synchronization

/// One run on its way: a window of attempts that pass two gates in their order.
final class AugmentationRun: Sendable {
  private let plan: AugmentationPlan
  private let servers: AugmentationServers
  private let exemplars: [String]
  private let seeds: SeedSequence
  private let asker: Asker
  private let rowMaker: RowMaker
  private let state: Mutex<RunState>
  private let deciding = OrderedTurns()
  private let writing = OrderedTurns()
  private let progress: @Sendable (AugmentationProgress) -> Void

  init(
    plan: AugmentationPlan, servers: AugmentationServers, sources: AugmentationSources,
    asker: Asker, state: consuming sending RunState,
    progress: @escaping @Sendable (AugmentationProgress) -> Void
  ) {
    self.plan = plan
    self.servers = servers
    exemplars = sources.exemplars
    seeds = SeedSequence(seed: plan.seed)
    self.asker = asker
    rowMaker = RowMaker(plan: plan, servers: servers, seeds: seeds, asker: asker)
    self.state = Mutex(state)
    self.progress = progress
  }

  /// Works until nothing is left to do; why it ended early, and what happened.
  func go(attemptsInFlight: Int) async -> (stop: Stop?, counts: AugmentationCounts) {
    await withTaskGroup(of: Void.self) { group in
      var next = 0
      var isReplaying = true
      var running = 0
      while next < plan.attemptsMax {
        if running >= attemptsInFlight {
          await group.next()
          running -= 1
        }
        if isReplaying, !asker.journal.knows(next, .instruction) {
          // Only when all that was known is decided it is clear whether anything is left to ask.
          isReplaying = false
          guard await deciding.arrive(next) else { break }
        }
        if state.withLock({ $0.isFinished || $0.stop != nil }) { break }
        add(next, to: &group)
        next += 1
        running += 1
      }
    }
    return state.withLock { ($0.stop, $0.counts) }
  }

  /// Waits until every row is on the disk.
  func synchronize() throws(AugmentationError) {
    try state.withLock { state throws(AugmentationError) in try state.synchronize() }
  }

  private func add(_ index: Int, to group: inout TaskGroup<Void>) {
    group.addTask {
      do throws(Stop) {
        try await self.attempt(index)
      } catch {
        self.state.withLock { state in
          if state.stop == nil, error != .closed { state.stop = error }
        }
        // Nobody may wait for this attempt any longer. Requests on their way still end up in the
        // journal.
        self.asker.close()
        self.deciding.close()
        self.writing.close()
      }
    }
  }

  private func attempt(_ index: Int) async throws(Stop) {
    let proposal = try await propose(index)
    let trialRefused = try await trial(index)
    guard await deciding.arrive(index) else { throw .closed }
    let instruction: String?
    do throws(AugmentationError) {
      instruction = try state.withLock { state throws(AugmentationError) in
        try state.decide(proposal, trialRefused: trialRefused)
      }
    } catch {
      throw .failed(error)
    }
    deciding.pass()
    var outcomes: [RowOutcome] = []
    if let instruction { outcomes = try await rowMaker.rows(index, instruction) }
    guard await writing.arrive(index) else { throw .closed }
    let counts: AugmentationCounts
    do throws(AugmentationError) {
      counts = try state.withLock { state throws(AugmentationError) in
        try state.write(outcomes)
        return state.counts
      }
    } catch {
      throw .failed(error)
    }
    writing.pass()
    progress(
      AugmentationProgress(
        accepted: counts.accepted, wanted: plan.instructions, counts: counts,
        requests: asker.journal.totals.requests, isReplaying: asker.journal.hasAnswersLeft))
  }

  /// What the generator makes of one attempt.
  private func propose(_ index: Int) async throws(Stop) -> RunState.Proposal {
    let entry = try await generate(index, .instruction, prefix: plan.prefix)
    guard entry.failure == nil, let text = entry.text else { return .failed }
    if entry.declines { return .refused }
    do throws(InstructionText.Problem) {
      return .instruction(
        try InstructionText.extract(from: text, isCut: entry.isCut ?? false))
    } catch {
      return .unusable(error)
    }
  }

  /// Whether the generator refuses when asked the other way; nil where that is not tried.
  private func trial(_ index: Int) async throws(Stop) -> Bool? {
    guard index < plan.refusalTrials else { return nil }
    let otherPrefix = plan.prefix == nil ? InstructionTemplate.paperPrefix : nil
    let entry = try await generate(index, .trial, prefix: otherPrefix)
    return entry.text == nil ? nil : entry.declines
  }

  private func generate(
    _ index: Int, _ step: RequestKind, prefix: String?
  ) async throws(Stop) -> JournalEntry {
    let drawn = seeds.draw(plan.exemplars, below: exemplars.count, for: index)
    let turns = InstructionTemplate.turns(
      exemplars: drawn.map { ControlText.spelledOut(exemplars[$0]) }, prefix: prefix)
    return try await asker.write(
      index, step, servers.generator, role: "generator", turns: turns,
      sampling: rowMaker.sampling(index, step, tokensMax: plan.instructionTokensMax))
  }
}
