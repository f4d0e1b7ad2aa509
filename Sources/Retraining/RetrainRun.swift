internal import Datasets
internal import Distillation
internal import Evaluation
internal import Foundation
internal import Guard
internal import Hosting
internal import LabelStore
internal import Learning
internal import ModelRegistry
internal import Pipeline
internal import Settings
internal import StrictJSON
internal import Tensors

/// One run, step by step; each is skipped when its result is there already.
struct RetrainRun {
  let job: RetrainJob
  let folder: RunFolder
  let plan: RunFolder.Plan
  let gold: GoldSet
  let clients: KafkaClients

  private var retrain: RetrainSettings { job.retrain }
  private var championFolder: String { job.registry.folder(of: plan.champion) }

  func finish(store: LabelStore) throws(RetrainFailure) -> RetrainOutcome {
    let summary = try dataset(store)
    try train()
    try calibrate()
    let checks = try examine()
    return try decide(checks, summary)
  }

  // MARK: Steps

  private func dataset(_ store: LabelStore) throws(RetrainFailure) -> RetrainDataset.Summary {
    if let summary: RetrainDataset.Summary = folder.read(folder.dataset) { return summary }
    job.report(.step("drawing the dataset"))
    let labels = try RetrainDataset.labels(
      of: store, retrain.dataset, nowMilliseconds: Int64(plan.startedAt) * 1_000,
      seed: plan.drawingSeed)
    let dataset = RetrainDataset(
      labels: labels, old: try ExampleFiles(retrain.dataset.replay), gold: gold.rows,
      settings: retrain.dataset, seed: plan.drawingSeed)
    try dataset.save(to: folder)
    return dataset.summary
  }

  private func train() throws(RetrainFailure) {
    guard !folder.exists(folder.candidate) else { return }
    job.report(.step("training from \(plan.champion)"))
    var options = DistillationJob.Options(base: championFolder, output: folder.candidate)
    options.recipe = recipe
    options.heldOutShare = 0
    options.checkpointSeconds = retrain.training.checkpointSeconds
    options.threads = retrain.training.threads
    let examples = try rows(folder.train)
    do throws(LearningFailure) {
      _ = try DistillationJob(options: options, examples: examples).run(
        shouldStop: job.shouldStop
      ) { job.report(.training($0)) }
    } catch {
      throw RetrainFailure(error)
    }
  }

  private var recipe: TrainingRecipe {
    let training = retrain.training
    var recipe = TrainingRecipe()
    recipe.epochs = training.epochs
    recipe.stepsMax = training.stepsMax
    recipe.batchSize = training.batchSize
    recipe.learningRate = training.learningRate
    recipe.warmUpSteps = training.warmUpSteps
    recipe.lambda = training.lambda
    recipe.teacherTemperature = training.teacherTemperature
    recipe.sequenceTokensMax = training.tokensMax
    if training.method == .lora {
      var lowRank = TrainingRecipe.LowRank()
      lowRank.rank = training.loraRank
      recipe.lowRank = lowRank
    }
    switch training.precision {
    case .auto: recipe.take(.auto)
    case .fp32: recipe.take(.fp32)
    case .bf16: recipe.take(.bf16)
    }
    recipe.seed = plan.drawingSeed
    return recipe
  }

  /// Fits temperature and threshold, unless there are too few rows; then scores stay as they are.
  private func calibrate() throws(RetrainFailure) {
    guard try description().calibration == nil else { return }
    let examples = try rows(folder.validation)
    guard Set(examples.map(\.isUnsafe)).count == 2 else {
      job.report(.warning("too few rows to calibrate on: the scores stay as they are"))
      return
    }
    job.report(.step("calibrating on \(examples.count) rows"))
    var description = try description()
    do throws(EvaluationFailure) {
      let pool = WorkerPool(workers: retrain.training.threads)
      let model = try DatasetScorer.load(model: folder.candidate, pool: pool)
      let scored = try DatasetScorer(model: model).score(examples, name: "validation")
      let summary: RetrainDataset.Summary? = folder.read(folder.dataset)
      let fit = try CalibrationFit(
        scored, falsePositiveRate: retrain.gate.falsePositiveRate,
        digest: summary?.digests["validation"] ?? "")
      description.calibration = fit.calibration
    } catch {
      throw .training("calibration: \(error)")
    }
    do throws(RegistryError) {
      try description.write(folder: folder.candidate)
    } catch {
      throw .output(error.description)
    }
  }

  /// What the candidate's folder says; what cannot be read out is no candidate.
  private func description() throws(RetrainFailure) -> ModelDescription {
    do throws(RegistryError) {
      return try ModelDescription.read(folder: folder.candidate) ?? ModelDescription()
    } catch {
      throw .training("the candidate: \(error)")
    }
  }

  private func examine() throws(RetrainFailure) -> [GateCheck] {
    if let checks: [GateCheck] = folder.read(folder.gate) { return checks }
    job.report(.step("examining the candidate"))
    let threshold = Double(job.settings.policies.standard.threshold)
    let examination = try Examination(
      champion: championFolder, candidate: folder.candidate, settings: job.settings.model,
      threshold: threshold, replicates: retrain.gate.bootstrapReplicates,
      pool: WorkerPool(workers: retrain.training.threads))
    var evidence = GateEvidence(
      gold: try examination.pair(gold.rows, name: "gold"), fresh: try fresh(examination),
      latencyRatio: try examination.latencyRatio(on: gold.rows),
      traffic: try traffic(examination))
    if retrain.gate.evasionFlipMax != nil {
      evidence.evasion = try examination.evasion(
        gold.rows, evidence.gold.candidate, rowsMax: retrain.gate.evasionRowsMax)
    }
    let checks = Gate(settings: retrain.gate, threshold: threshold).checks(evidence)
    try folder.write(checks, to: folder.gate)
    return checks
  }

  private func fresh(_ examination: Examination) throws(RetrainFailure) -> ScoredPair? {
    let examples = try rows(folder.fresh)
    guard examples.count >= retrain.gate.freshRowsMin,
      Set(examples.map(\.isUnsafe)).count == 2
    else { return nil }
    return try examination.pair(examples, name: "new test labels")
  }

  private func traffic(_ examination: Examination) throws(RetrainFailure) -> DecisionDifference? {
    guard retrain.gate.trafficHours > 0 else { return nil }
    job.report(.step("replaying traffic"))
    let replay = try TrafficReplay(clients: clients, settings: job.settings, gate: retrain.gate)
    do throws(ClassifierFailure) {
      return try replay.compare(
        champion: examination.champion, candidate: examination.candidate,
        policies: job.settings.policies)
    } catch {
      throw .training("the model failed: \(error.detail)")
    }
  }

  // MARK: The decision

  private func decide(
    _ checks: [GateCheck], _ summary: RetrainDataset.Summary
  ) throws(RetrainFailure) -> RetrainOutcome {
    for check in checks { job.report(.check(check)) }
    let failed = checks.filter { !$0.isPassed }.map { "\($0.name): \($0.detail)" }
    let promotes = failed.isEmpty && !job.options.leavesChampion
    let version: ModelVersion
    let candidate = try candidate(checks, failed, summary)
    do throws(RegistryError) {
      version = try register(candidate)
      if promotes { try promote(version) }
    } catch {
      throw .registry(error)
    }
    if promotes { AfterPromotion(command: retrain.afterPromotion).run(report: job.report) }
    prune()
    let outcome = RetrainOutcome(
      failed.isEmpty ? (promotes ? .promoted : .registered) : .rejected,
      startedAt: plan.startedAt, endedAt: RetrainJob.now, champion: plan.champion,
      version: version, reasons: failed, checks: checks, labels: summary.labels)
    try job.publish(outcome)
    try folder.write(outcome, to: folder.outcome)
    folder.removeBulk()
    RunFolder.prune(in: retrain.folder, keep: Self.runsKept)
    return outcome
  }

  /// Makes a version the champion. One that is, though not all of it could be written down, is.
  private func promote(_ version: ModelVersion) throws(RegistryError) {
    do throws(RegistryError) {
      try job.registry.promote(
        version, over: plan.champion, by: "sluice retrain", reason: "passed the gate")
    } catch {
      guard job.registry.current == version else { throw error }
      job.report(.warning("\(error)"))
    }
  }

  /// Removes old versions; what stays there harms no result.
  private func prune() {
    do throws(RegistryError) {
      try job.registry.prune(keep: retrain.keepVersions, by: "sluice retrain")
    } catch {
      job.report(.warning("old versions stay: \(error)"))
    }
  }

  private static let runsKept = 100

  /// What is to be registered: all that is known of the candidate.
  private func candidate(
    _ checks: [GateCheck], _ failed: [String], _ summary: RetrainDataset.Summary
  ) throws(RetrainFailure) -> ModelCandidate {
    let hash: String
    do throws(GuardModelFailure) {
      hash = try GuardModel(
        settings: ModelSettings(path: folder.candidate), pool: WorkerPool(workers: 1)
      ).hash
    } catch {
      throw .training("the candidate: \(error)")
    }
    var candidate = ModelCandidate(folder: folder.candidate, hash: hash)
    candidate.createdAt = Date(timeIntervalSince1970: Double(plan.startedAt))
    candidate.status = failed.isEmpty ? .candidate : .rejected
    candidate.reasons = failed
    var description = try description()
    description.parent = plan.champion
    description.trainingData =
      summary.digests.map { ModelDescription.DataSet(name: $0.key, sha256: $0.value) }
      .sorted { $0.name < $1.name }
    do throws(JSONError) {
      if case .object(let recipe) = try JSON(encoding: recipe) { description.recipe = recipe }
      description.metrics = [
        "gate": try JSON(encoding: checks), "data": try JSON(encoding: summary),
      ]
    } catch {
      throw .training("the candidate's recipe and checks: \(error)")
    }
    candidate.description = description
    return candidate
  }

  /// Its name follows from the run, so that it is registered once.
  private func register(_ candidate: ModelCandidate) throws(RegistryError) -> ModelVersion {
    if let version = ModelVersion(createdAt: candidate.createdAt, hash: candidate.hash),
      (try? job.registry.manifest(of: version)) != nil
    {
      return version
    }
    return try job.registry.register(
      candidate, by: "sluice retrain",
      reason: candidate.status == .candidate ? "passed the gate" : "refused by the gate"
    ).version
  }

  private func rows(_ file: String) throws(RetrainFailure) -> [LabelledExample] {
    do throws(DatasetError) {
      return try DatasetFile.read(file)
    } catch {
      throw .data(error.description)
    }
  }
}
