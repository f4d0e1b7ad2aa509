import Basics
import Guard
import Settings
import Tensors
import TestSupport
import Testing

/// Which numbers a model multiplies on this CPU.
@Suite struct PrecisionTests {
  /// What `auto` tries, in this order.
  private static let tried = [ProductFormat.int8, .bf16]
  private static let fast = tried.filter(\.isFast)

  private func load(
    _ folder: String, _ precision: EngineSettings.Precision
  ) throws -> GuardModel {
    let device = try InferenceDevice(
      settings: EngineSettings(device: .cpu, precision: precision, threads: 1), environment: [:])
    return try GuardModel(settings: ModelSettings(path: folder), device: device)
  }

  @Test func autoTakesTheFastestThatAgrees() throws {
    let gentle = try GentleModel()
    let model = try load(gentle.path, .auto)
    #expect(model.precision == Self.fast.first?.rawValue ?? "fp32")
    #expect(model.device == "cpu (1 thread, \(model.precision ?? ""))")
    let lacking = Self.tried.prefix { !$0.isFast }
    #expect(
      model.slowerBecause
        == lacking.map { "\($0.rawValue): this processor has no instructions for it" })
  }

  /// Random weights that magnify every rounding.
  @Test func autoSaysWhyNoFasterOneWasTaken() throws {
    let model = try load(GoldenCase.url("v3-style").path, .auto)
    #expect(model.precision == "fp32")
    #expect(model.slowerBecause.count == Self.tried.count)
    for (reason, format) in zip(model.slowerBecause, Self.tried) {
      let why = format.isFast ? "scores differ from the CPU's " : "this processor has no "
      #expect(reason.hasPrefix("\(format.rawValue): \(why)"))
    }
  }

  @Test(arguments: [EngineSettings.Precision.bf16, .int8])
  func whatWasAskedForIsTakenOrRefused(precision: EngineSettings.Precision) throws {
    let format = try #require(ProductFormat(rawValue: precision.rawValue))
    let gentle = try GentleModel()
    if format.isFast {
      #expect(try load(gentle.path, precision).precision == precision.rawValue)
    }
    let error = #expect(throws: GuardModelFailure.self) {
      try load(format.isFast ? GoldenCase.url("v3-style").path : gentle.path, precision)
    }
    guard case .device(let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.hasPrefix("the CPU cannot run the model in \(precision.rawValue): "))
  }

  @Test func floatsAreTakenWhereTheyAreAskedFor() throws {
    let gentle = try GentleModel()
    let model = try load(gentle.path, .fp32)
    #expect(model.precision == "fp32" && model.slowerBecause.isEmpty)
  }

  @Test(arguments: [
    (EngineSettings.Device.cpu, EngineSettings.Precision.fp8, "fp8 is for GPUs"),
    (.cpu, .fp16, "fp16 is for GPUs"), (.cuda(0), .int8, "int8 is for CPUs"),
    (.cuda(1), .fp32, "fp32 is for CPUs"),
  ]) func whatADeviceDoesNotHaveIsRefused(
    device: EngineSettings.Device, precision: EngineSettings.Precision, words: String
  ) {
    let error = #expect(throws: GuardModelFailure.self) {
      try InferenceDevice(
        settings: EngineSettings(device: device, precision: precision, threads: 1),
        environment: [:])
    }
    guard case .settings(let text) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(text == "engine.precision: \(words)")
  }

  /// The hash names the files, whatever computes with them; a model with other threads judges as
  /// before.
  @Test func aModelStaysItself() throws {
    let gentle = try GentleModel()
    let floats = try load(gentle.path, .fp32)
    let model = try load(gentle.path, .auto)
    #expect(model.hash == floats.hash)
    let sequences: [TokenSequence] = [[1, 50, 60, 2], [1, 70, 2]]
    let scores = try model.scores(sequences)
    for (score, expected) in zip(scores, try floats.scores(sequences)) {
      #expect(abs(score.rawValue - expected.rawValue) < 0.02)
    }
    let moved = GuardModel(model, pool: WorkerPool(workers: 2))
    #expect(moved.device == "cpu (2 threads, \(model.precision ?? ""))")
    for (score, expected) in zip(try moved.scores(sequences), scores) {
      #expect(abs(score.rawValue - expected.rawValue) < 1e-4)
    }
  }
}
