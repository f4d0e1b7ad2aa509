import Basics
import Foundation
import Guard
import Settings
import TestSupport
import Tensors
import Testing

/// Where models are placed, with the emulated GPU in the place of CUDA's libraries.
@Suite(.serialized) struct InferenceDeviceTests {
  /// Random weights that magnify every rounding.
  private static let wild = GoldenCase.url("v3-style").path

  private func load(
    _ folder: String, _ engine: EngineSettings, on cuda: EmulatedCuda, windowTokens: Int? = nil
  ) throws -> GuardModel {
    let device = try InferenceDevice(
      settings: engine,
      environment: ["SLUICE_CUDA_LIBRARIES": cuda.path, "XDG_CACHE_HOME": cuda.path])
    var settings = ModelSettings(path: folder)
    settings.windowTokens = windowTokens
    return try GuardModel(settings: settings, device: device)
  }

  @Test func aModelThatAgreesRunsOnTheGPU() throws {
    let cuda = try EmulatedCuda()
    defer { withExtendedLifetime(cuda) {} }
    let gentle = try GentleModel()
    let model = try load(gentle.path, EngineSettings(threads: 1), on: cuda)
    #expect(model.device == "cuda:0 (CPU emulator, fp16)")
    #expect(model.deviceRefusals.isEmpty)
    let cpu = try GuardModel(
      settings: ModelSettings(path: gentle.path), pool: WorkerPool(workers: 1))
    #expect(model.hash == cpu.hash)
    let sequences: [TokenSequence] = [[1, 50, 60, 2], [1, 70, 2]]
    let moved = GuardModel(model, pool: WorkerPool(workers: 1))
    #expect(moved.device == model.device)
    let pairs = zip(try cpu.scores(sequences), try moved.scores(sequences))
    for (expected, found) in pairs {
      #expect(abs(expected.rawValue - found.rawValue) < 0.005)
    }
  }

  @Test func aModelThatDoesNotAgreeRunsOnTheCPU() throws {
    let model = try load(Self.wild, EngineSettings(threads: 1), on: EmulatedCuda())
    #expect(model.device == "cpu (1 thread, fp32)")
    #expect(model.deviceRefusals.count == 2)
    #expect(model.deviceRefusals.allSatisfy { $0.contains("scores differ from the CPU's") })
  }

  /// As many buckets as there are distances: beyond half of them a step of one token is two slots,
  /// for which the kernels have no room. No precision changes that, so it is said once.
  @Test func aModelWhoseBucketsAreTooManyRunsOnTheCPU() throws {
    let cuda = try EmulatedCuda()
    let model = try GentleModel(["max_relative_positions": 32])
    let placed = try load(model.path, EngineSettings(threads: 1), on: cuda)
    #expect(placed.device.hasPrefix("cpu (1 thread, "))
    let refusal = try #require(placed.deviceRefusals.first)
    #expect(placed.deviceRefusals.count == 1)
    #expect(refusal.hasPrefix("fp16, bf16: ") && refusal.contains("32 position_buckets"))
    let named = EngineSettings(device: .cuda(0), threads: 1)
    do throws(GuardModelFailure) {
      let device = try InferenceDevice(
        settings: named,
        environment: ["SLUICE_CUDA_LIBRARIES": cuda.path, "XDG_CACHE_HOME": cuda.path])
      _ = try GuardModel(settings: ModelSettings(path: model.path), device: device)
      Issue.record("that runs?")
    } catch {
      guard case .device(let reason) = error, reason.contains("32 position_buckets") else {
        Issue.record("\(error)")
        return
      }
    }
  }

  /// What kinds of models a GPU does not compute, and how that is said.
  @Test(arguments: [
    ("bert", "gelu", 2, "bert models; deberta-v2 is computed"),
    ("roberta", "gelu", 1, "roberta models; deberta-v2 is computed"),
    ("deberta-v2", "gelu", 3, "a convolution"),
    ("deberta-v2", "gelu", 2, "2 token types; none or one are computed"),
    ("deberta-v2", "tanh", 1, "tanh in the pooler; gelu is computed"),
  ]) func theCPUJudgesWhatAGPUDoesNotCompute(
    type: String, pooler: String, types: Int, reason: String
  ) throws {
    let cuda = try EmulatedCuda()
    let folder = try RandomModel([
      "model_type": type, "type_vocab_size": types, "position_biased_input": true,
      "pooler_hidden_act": pooler, "conv_kernel_size": types == 3 ? 3 : 0,
    ])
    let placed = try load(folder.path, EngineSettings(threads: 1), on: cuda)
    #expect(placed.device.hasPrefix("cpu (1 thread, "))
    #expect(placed.deviceRefusals == ["fp16, bf16: the GPU engine does not compute \(reason)"])
    let error = #expect(throws: GuardModelFailure.self) {
      try load(folder.path, EngineSettings(device: .cuda(0), threads: 1), on: cuda)
    }
    #expect(error?.description.contains(reason) == true)
  }

  /// The emulated GPU's lanes have room for 1,024 tokens: longer windows would be refused one by
  /// one, as dead letters.
  @Test func windowsThatTheGPUHasNoRoomForAreJudgedOnTheCPU() throws {
    let cuda = try EmulatedCuda()
    let model = try GentleModel()
    let fitting = try load(
      model.path, EngineSettings(threads: 1), on: cuda, windowTokens: 1024)
    #expect(fitting.device == "cuda:0 (CPU emulator, fp16)", "\(fitting.deviceRefusals)")
    let longer = try load(model.path, EngineSettings(threads: 1), on: cuda, windowTokens: 1025)
    #expect(longer.device.hasPrefix("cpu (1 thread, "))
    #expect(longer.deviceRefusals.count == 1 && longer.deviceRefusals[0].contains("1024"))
  }

  @Test func aGPUAskedForByNameTakesNothingElse() throws {
    let cuda = try EmulatedCuda(libraries: ["libnvrtc.so.13"])
    for settings in [
      EngineSettings(device: .cuda(0), threads: 1), EngineSettings(device: .cuda(1), threads: 1),
      EngineSettings(device: .cuda(0), precision: .fp8, threads: 1),
    ] {
      do throws(GuardModelFailure) {
        let device = try InferenceDevice(
          settings: settings,
          environment: ["SLUICE_CUDA_LIBRARIES": cuda.path, "XDG_CACHE_HOME": cuda.path])
        _ = try GuardModel(settings: ModelSettings(path: Self.wild), device: device)
        Issue.record("\(settings) runs?")
      } catch {
        guard case .device = error else {
          Issue.record("\(error)")
          continue
        }
      }
    }
  }

  @Test func theCPUNeedsNoReason() throws {
    let device = try InferenceDevice(
      settings: EngineSettings(device: .cpu, threads: 1), environment: [:])
    #expect(device.fallbackReason == nil && device.batchesInFlightMax == 1)
  }
}
