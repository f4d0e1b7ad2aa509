import FilterService
import Guard
import Pipeline
import Settings
import Tensors
import TestSupport
import Testing

/// Models that a GPU can run until they are warmed up.
@Suite struct ModelLoaderTests {
  /// More kernels than the comparison with the CPU launches, and fewer than warming up does.
  private static let launches = 1000

  private func load(
    _ device: EngineSettings.Device, on cuda: EmulatedCuda
  ) throws -> GuardModel {
    let inference = try InferenceDevice(
      settings: EngineSettings(device: device, precision: .fp16, threads: 1),
      environment: ["SLUICE_CUDA_LIBRARIES": cuda.path, "XDG_CACHE_HOME": cuda.path])
    let model = try GentleModel()
    return try ModelLoader(settings: ModelSettings(path: model.path), device: inference).load()
  }

  @Test func aGPUThatFailsWhileItWarmsUpLeavesTheModelToTheCPU() throws {
    let cuda = try EmulatedCuda(launches: Self.launches)
    let model = try load(.auto, on: cuda)
    #expect(model.device == "cpu (1 thread, fp32)")
    #expect(model.deviceRefusals.count == 1)
    let refusal = try #require(model.deviceRefusals.first)
    #expect(refusal.hasPrefix("warming up failed: ") && refusal.contains("LAUNCH_FAILED"))
    #expect(try model.scores([[1, 2]]).count == 1)
  }

  @Test func aGPUAskedForByNameThatFailsWhileItWarmsUpIsNoDevice() throws {
    let cuda = try EmulatedCuda(launches: Self.launches)
    do {
      _ = try load(.cuda(0), on: cuda)
      Issue.record("that runs?")
    } catch let failure as GuardModelFailure {
      guard case .device(let reason) = failure, reason.contains("warming up failed") else {
        Issue.record("\(failure)")
        return
      }
      #expect(failure.exitStatus == .unavailable)
    }
  }

  /// A rule for a category that the model lacks would never do anything.
  @Test func aModelWithoutThePolicysCategoriesIsRefused() throws {
    let folder = try CategoryModel(labels: ["harmless", "violence", "hate"])
    func load(_ category: String) throws -> GuardModel {
      let rule = CategoryRule(threshold: 0.5, action: .flag)
      let policies = PolicyBook(standard: Policy(categories: [category: rule]))
      return try ModelLoader(
        settings: ModelSettings(path: folder.path),
        device: InferenceDevice(pool: WorkerPool(workers: 1)), policies: LivePolicies(policies)
      ).load()
    }
    #expect(try load("hate").categories?.names.count == 3)
    let reason =
      "policies.default.categories.spam: the model's unsafe labels are violence, hate"
    #expect(throws: GuardModelFailure.settings(reason)) { try load("spam") }
  }
}
