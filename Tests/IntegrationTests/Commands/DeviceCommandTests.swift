import Foundation
import TestSupport
import Testing

/// `sluice device` with the emulated GPU, and without any.
@Suite(.serialized) struct DeviceCommandTests {
  private func libraries(of cuda: EmulatedCuda) -> [String: String] {
    ["SLUICE_CUDA_LIBRARIES": cuda.path, "XDG_CACHE_HOME": cuda.path]
  }

  @Test func devicesAndLibrariesAreShown() throws {
    let cuda = try EmulatedCuda(architecture: 90)
    let run = try Command(["device"], environment: libraries(of: cuda))
    #expect(run.ending == .exited(0), "\(run.output)\(run.error)")
    #expect(run.output.contains("cuda:0") && run.output.contains("sm_90"), "\(run.output)")
    #expect(run.output.contains("--verbose shows them"), "\(run.output)")
    let verbose = try Command(["device", "--verbose"], environment: libraries(of: cuda))
    #expect(verbose.output.contains(cuda.path), "\(verbose.output)")

    let json = try Command(["device", "--json"], environment: libraries(of: cuda))
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect((report["devices"] as? [Any])?.count == 1)
    #expect((report["driver"] as? [String: Any])?["path"] is String)
    #expect((report["cublasLt"] as? [String: Any])?["error"] is String)
  }

  @Test func withoutAGPUTheScriptKnows() throws {
    let cuda = try EmulatedCuda()
    let none = libraries(of: cuda).merging(["SLUICE_EMULATOR_DEVICES": "0"]) { $1 }
    let run = try Command(["device"], environment: none)
    #expect(run.ending == .exited(69))
    #expect(run.output.contains("CUDA_ERROR_NO_DEVICE"), "\(run.output)")
  }

  @Test func kernelsAreCompiledOnlyForWhatTheCompilerKnows() throws {
    let cuda = try EmulatedCuda()
    let directory = try TemporaryDirectory()
    let compile = ["device", "--compile", directory.path + "/cubins", "--architectures"]
    let run = try Command(compile + ["sm_1"], environment: libraries(of: cuda))
    #expect(run.ending == .exited(64), "\(run.error)")
    #expect(run.error.contains("sm_1 is none of"))
    let usage = try Command(["device", "--architectures", "sm_80"])
    #expect(usage.ending == .exited(64))
  }
}
