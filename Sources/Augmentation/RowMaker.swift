internal import Datasets
internal import LanguageModel

/// What a row is.
package enum RowKind: String, Hashable, Sendable, CaseIterable {
  /// A harmful instruction that is declined.
  case refusal
  /// A harmful instruction that is followed.
  case harmful
  /// A harmful instruction alone.
  case empty
  /// A harmless instruction alone.
  case benign

  /// The label where no teacher gives one.
  var isUnsafe: Bool { self == .harmful || self == .empty }

  var labelStep: RequestKind {
    switch self {
    case .refusal: .labelOfRefusal
    case .harmful: .labelOfHarmful
    case .empty: .labelOfEmpty
    case .benign: .labelOfBenign
    }
  }
}

/// A row, or the reason why there is none.
enum RowOutcome: Sendable {
  case row(RowKind, LabelledExample)
  case dropped(RowKind, reason: String)
}

/// Makes the rows of an accepted instruction.
struct RowMaker: Sendable {
  let plan: AugmentationPlan
  let servers: AugmentationServers
  let seeds: SeedSequence
  let asker: Asker

  /// Every row, in the order of `RowKind`.
  func rows(_ index: Int, _ instruction: String) async throws(Stop) -> [RowOutcome] {
    var outcomes: [RowOutcome] = []
    if let refuser = servers.refuser {
      let row = try await answered(index, .refusal, .refusal, refuser, "refuser", instruction)
      outcomes.append(row)
    }
    if let complier = servers.complier {
      let row = try await answered(index, .harmful, .harmful, complier, "complier", instruction)
      outcomes.append(row)
    }
    outcomes.append(try await labelled(index, .empty, instruction, nil))
    if plan.makesBenign { outcomes.append(try await benign(index, instruction)) }
    return outcomes
  }

  /// How a generator is asked to write.
  func sampling(_ index: Int, _ step: RequestKind, tokensMax: Int) -> Sampling {
    Sampling(
      tokensMax: tokensMax, temperature: plan.temperature, topP: plan.topP,
      seed: seeds.requestSeed(index, step))
  }

  private func answered(
    _ index: Int, _ kind: RowKind, _ step: RequestKind, _ client: LanguageModelClient,
    _ role: String,
    _ instruction: String
  ) async throws(Stop) -> RowOutcome {
    let entry = try await asker.write(
      index, step, client, role: role,
      turns: [ChatTurn(.user, ControlText.spelledOut(instruction))],
      sampling: sampling(index, step, tokensMax: plan.responseTokensMax))
    if entry.failure != nil { return .dropped(kind, reason: "failed") }
    let response = (entry.text ?? "").trimmed
    if response.isEmpty { return .dropped(kind, reason: "empty") }
    // Without a teacher a kind is a label, so a row has to be what its kind says. A refusal said to
    // be one is not what a complier wrote.
    let mustBeTrue = servers.teacher == nil || entry.isRefusal == true
    if mustBeTrue, entry.declines != (kind == .refusal) {
      return .dropped(kind, reason: kind == .refusal ? "did_not_refuse" : "refused")
    }
    return try await labelled(index, kind, instruction, response)
  }

  private func benign(_ index: Int, _ instruction: String) async throws(Stop) -> RowOutcome {
    let entry = try await asker.write(
      index, .benign, servers.generator, role: "generator",
      turns: InstructionTemplate.benignTurns(instruction: ControlText.spelledOut(instruction)),
      sampling: sampling(index, .benign, tokensMax: plan.instructionTokensMax))
    guard entry.failure == nil, let text = entry.text else {
      return .dropped(.benign, reason: "failed")
    }
    if entry.declines { return .dropped(.benign, reason: "refused") }
    let benign: String
    do throws(InstructionText.Problem) {
      benign = try InstructionText.extract(from: text, isCut: entry.isCut ?? false)
    } catch {
      return .dropped(.benign, reason: error == .cut ? "cut" : "empty")
    }
    return try await labelled(index, .benign, benign, nil)
  }

  private func labelled(
    _ index: Int, _ kind: RowKind, _ prompt: String, _ response: String?
  ) async throws(Stop) -> RowOutcome {
    var row = LabelledExample(
      id: "augment-\(plan.seed)-\(index)-\(kind.rawValue)", prompt: prompt, response: response,
      isUnsafe: kind.isUnsafe, source: "augment-\(kind.rawValue)-by-kind")
    guard let teacher = servers.teacher else { return .row(kind, row) }
    let entry = try await asker.judge(
      index, kind.labelStep, teacher, prompt: prompt, response: response)
    guard let score = entry.score else {
      return .dropped(kind, reason: entry.failure == nil ? "unknown_label" : "label_failed")
    }
    row.teacherScore = score
    row.isUnsafe = score > 0.5
    row.source = "augment-\(kind.rawValue)"
    return .row(kind, row)
  }
}

extension String {
  /// Without white space at both ends.
  fileprivate var trimmed: String {
    var text = self[...].drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
