import Foundation
import Guard
import Settings
import TestSupport
import Tensors
import Testing

/// Where models are placed, with the emulated GPU in the place of CUDA's libraries.
@Suite(.serialized) struct InferenceDeviceTests {
  private static let tiny = SourceTree.url("Sources/Demonstration/Resources/guard-tiny").path
  /// Random weights that magnify every rounding.
  private static let wild = GoldenCase.url("v3-style").path

  private func load(
    _ folder: String, _ engine: EngineSettings, on cuda: EmulatedCuda
  ) throws -> GuardModel {
    let device = try InferenceDevice(
      settings: engine,
      environment: ["SLUICE_CUDA_LIBRARIES": cuda.path, "XDG_CACHE_HOME": cuda.path])
    return try GuardModel(settings: ModelSettings(path: folder), device: device)
  }

  @Test func aModelThatAgreesRunsOnTheGPU() throws {
    let model = try load(Self.tiny, EngineSettings(threads: 1), on: EmulatedCuda())
    #expect(model.device == "cuda:0 (CPU emulator, fp16)")
    #expect(model.deviceRefusals.isEmpty)
    let cpu = try GuardModel(settings: ModelSettings(path: Self.tiny), pool: WorkerPool(workers: 1))
    #expect(model.hash == cpu.hash)
    let sequences: [[Int32]] = [[1, 50, 60, 2], [1, 70, 2]]
    let moved = GuardModel(model, pool: WorkerPool(workers: 1))
    #expect(moved.device == model.device)
    let pairs = zip(try cpu.scores(sequences), try moved.scores(sequences))
    for (expected, found) in pairs {
      #expect(abs(expected.rawValue - found.rawValue) < 0.005)
    }
  }

  @Test func aModelThatDoesNotAgreeRunsOnTheCPU() throws {
    let model = try load(Self.wild, EngineSettings(threads: 1), on: EmulatedCuda())
    #expect(model.device == "cpu (1 thread)")
    #expect(model.deviceRefusals.count == 2)
    #expect(model.deviceRefusals.allSatisfy { $0.contains("scores differ from the CPU's") })
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
